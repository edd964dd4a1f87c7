#include "app/plotted_data.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "io/text_stream.hpp"
#include "pathline/core/random.hpp"
#include "pathline/recipe/build_data.hpp"

namespace pathline {
namespace {

struct Rows {
  Matrix<double> x, c;
  RowVector<double> weights;
};

// Every row of a table once, those that were held out first; draws of a toy.
Rows all_rows(const TrainingData& data, Index draws) {
  const auto training = data.training();
  if (!training) {
    auto drawn = data.batch(0, draws);
    return {std::move(drawn.x), std::move(drawn.c), {}};
  }
  const auto &test = data.test(), &validation = data.validation();
  const Index n = test.x.cols() + validation.x.cols() + training->x.cols();
  Rows out{Matrix<double>(data.dim(), n), Matrix<double>(data.condition_dim(), n), {}};
  out.x << test.x, validation.x, training->x;
  if (data.condition_dim() > 0) out.c << test.c, validation.c, training->c;
  if (data.training_weights().size() > 0) {
    out.weights.resize(n);
    out.weights << data.test_weights(), data.validation_weights(), data.training_weights();
  }
  return out;
}

void keep(Rows& rows, const std::vector<Index>& wanted) {
  Rows out{Matrix<double>(rows.x.rows(), std::ssize(wanted)), Matrix<double>(rows.c.rows(), std::ssize(wanted)), {}};
  if (rows.weights.size() > 0) out.weights.resize(std::ssize(wanted));
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    const auto to = static_cast<Index>(k);
    out.x.col(to) = rows.x.col(wanted[k]), out.c.col(to) = rows.c.col(wanted[k]);
    if (rows.weights.size() > 0) out.weights(to) = rows.weights(wanted[k]);
  }
  rows = std::move(out);
}

// Keeps the twentieth of the rows whose conditions are nearest, in units of the standard deviation of each column, with
// all others that are as near, and names them.
std::string slice(Rows& rows, const Matrix<double>& condition, const TrainingData& data) {
  const Index n = rows.c.cols();
  Index wanted = std::min(n, std::max<Index>(100, n / 20));
  const RowVector<double> far = ((rows.c.colwise() - condition.col(0)).array().colwise() /
                                 data.condition_standardizer().scale.array().max(std::numeric_limits<double>::min()))
                                    .abs()
                                    .colwise()
                                    .maxCoeff();
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return far(a) < far(b); });
  while (wanted > 0 && wanted < n &&
         far(order[static_cast<std::size_t>(wanted)]) == far(order[static_cast<std::size_t>(wanted - 1)]))
    ++wanted;
  order.resize(static_cast<std::size_t>(wanted));
  std::sort(order.begin(), order.end());
  keep(rows, order);
  std::string text = "data with ";
  for (Index i = 0; i < rows.c.rows() && wanted > 0; ++i) {
    const double low = rows.c.row(i).minCoeff(), high = rows.c.row(i).maxCoeff();
    text += fmt::format("{}{}", i ? ", " : "", data.condition_columns()[static_cast<std::size_t>(i)]);
    text += low == high ? fmt::format(" = {:.3g}", low) : fmt::format(" in [{:.3g}, {:.3g}]", low, high);
  }
  return text;
}

void add_rows(const PlotFlags& f, const Recipe& recipe, bool trained_on, Index dim, const Matrix<double>& condition,
              PlottedData& out) {
  const TrainingData data = build_data(recipe);
  if (data.dim() != dim)
    throw InputError(fmt::format("{}: has {} columns; the model has {}", out.source, data.dim(), dim));
  if (!trained_on)
    for (const auto& note : data.notes()) f.common.note(note);
  const bool conditional = condition.rows() > 0;
  Rows rows = all_rows(data, conditional ? 20 * f.samples : f.samples);
  if (conditional) out.label = slice(rows, condition, data);
  const Index most = std::min(f.samples, rows.x.cols());
  out.x = rows.x.leftCols(most);
  if (rows.weights.size() > 0) out.weights = rows.weights.head(most);
  if (conditional) return;  // a figure for the slice would not be that for the condition
  const Index tested = std::min(f.samples, data.test().x.cols());
  if (trained_on) {
    out.judged = data.test().x.leftCols(tested), out.judged_by = "test NLL";
    if (data.test_weights().size() > 0) out.judged_weights = data.test_weights().head(tested);
  } else {
    out.judged = out.x, out.judged_weights = out.weights;
  }
}

}  // namespace

Matrix<double> PlottedData::resampled(Index most, std::uint64_t seed) const {
  const double whole = weights.sum();
  if (weights.size() == 0 || !(whole > 0)) return x.leftCols(std::min(most, x.cols()));
  // Systematic resampling: one draw in each of `most` equal parts of the weight (Kitagawa 1996).
  Engine engine = make_stream(seed, "plot.resampled");
  const double step = whole / static_cast<double>(most), start = uniform(engine, 0, step);
  Matrix<double> out(x.rows(), most);
  double sum = weights(0);
  for (Index k = 0, at = 0; k < most; ++k) {
    while (start + step * static_cast<double>(k) > sum && at + 1 < x.cols()) sum += weights(++at);
    out.col(k) = x.col(at);
  }
  return out;
}

PlottedData plotted_data(const PlotFlags& f, const ModelCard& card, Index dim, const Matrix<double>& condition) {
  Recipe recipe;
  if (!card.recipe.empty()) recipe = parse_recipe(card.recipe, card.file + ": its recipe");
  const bool trained_on = f.data.empty() || f.data == recipe.data.source;
  auto& reading = recipe.data.reading;
  if (!trained_on) {
    recipe.data.source = f.data;
    if (!reading.weights.empty()) {
      reading.weights.clear(), reading.columns = card.columns;
      reading.columns.insert(reading.columns.end(), card.condition_columns.begin(), card.condition_columns.end());
    }
  }
  // The recipe of a run's directory names tables of the user's; that of a file may name any file of the machine.
  const bool own = std::filesystem::is_directory(f.model());
  if (!own || !trained_on) reading.validation.clear(), reading.test.clear();
  f.common.keys.apply_to(recipe);
  PlottedData out{.x = Matrix<double>(dim, 0), .judged = Matrix<double>(dim, 0), .source = recipe.data.source};
  if (out.source.empty()) return out;
  const bool toy = is_toy(out.source);
  if (toy) reading.validation_size = reading.test_size = 0;
  if (toy && condition.rows() == 0) {
    out.toy = &find_toy(out.source);
    out.x.resize(2, f.samples);
    Engine engine = make_stream(f.seed, "plot.data");
    out.toy->sample(engine, out.x);
    out.judged = out.x;
    return out;
  }
  if (!toy && !own && f.data.empty()) {
    f.common.note(fmt::format("the plot is drawn without data: {} names {}, which is opened only if --data names it",
                              f.model(), out.source));
    out.source.clear();
    return out;
  }
  if (!toy && f.data.empty() && is_text_stream(out.source)) {
    f.common.note(
        fmt::format("the plot is drawn without data: {} was trained on {}, which cannot be read again; use "
                    "--data to name a file of them",
                    f.model(), out.source == "-" ? "the standard input" : out.source));
    out.source.clear();
    return out;
  }
  try {
    add_rows(f, recipe, trained_on, dim, condition, out);
  } catch (const InputError& error) {
    if (!f.data.empty()) throw;
    out.source.clear();
    f.common.note(
        fmt::format("the plot is drawn without data: {}; use --data to give its present location", error.what()));
  }
  return out;
}

}  // namespace pathline
