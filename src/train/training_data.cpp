#include "pathline/train/training_data.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "core/hash.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "train/condition_density.hpp"

namespace pathline {

namespace {

// What a run without data has: columns named as a toy's, and nothing to hold out.
class NoData final : public DataSource {
 public:
  explicit NoData(Index dim) {
    validation_.resize(dim, 0), test_.resize(dim, 0);
    for (Index i = 0; i < dim; ++i) columns_.push_back(fmt::format("x{}", i + 1));
    standardizer_ = {Vector<double>::Zero(dim), Vector<double>::Ones(dim)};
  }
  void batch(Engine&, MatrixRef<double> out) const override { out.setConstant(std::nan("")); }
};

// To be read of a table; empty: all.
std::vector<std::string> wanted_columns(const DataRecipe& d) {
  auto wanted = d.columns;
  for (const auto& name : d.condition)
    if (!d.columns.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) wanted.push_back(name);
  return wanted;
}

}  // namespace

Target named_target(const std::string& name, const std::optional<Target>& user) {
  if (name != "user") return find_target(name);
  if (!user) throw InputError("objective.target = user: the target must be given from C++, in TrainingOptions::target");
  return *user;
}

std::optional<Target> only_target(const Recipe& recipe, const std::optional<Target>& user) {
  if (!recipe.data.source.empty()) return std::nullopt;
  for (const auto& stage : recipe.objective)
    if (stage.kind != "reverse_kl" || stage.target != recipe.objective.front().target) return std::nullopt;
  return named_target(recipe.objective.front().target, user);
}

std::unique_ptr<DataSource> open_source(const Recipe& recipe) {
  const auto& d = recipe.data;
  if (d.source.empty())
    throw InputError(
        "data.source is empty; expected a toy or a file, or reverse_kl with the same target in every stage");
  const SourceOptions options{.seed = static_cast<std::uint64_t>(recipe.train.seed),
                              .validation_size = d.validation_size,
                              .test_size = d.test_size,
                              .validation_fraction = d.validation_fraction,
                              .test_fraction = d.test_fraction,
                              .constant = d.dequantize > 0 ? ConstantColumns::allow : ConstantColumns::refuse,
                              .columns = wanted_columns(d)};
  try {
    return make_source(d.source, options);
  } catch (const InputError& error) {
    const bool made = d.source == "datasets/digits.csv" || d.source == "datasets/diamonds.csv";
    if (!made || std::filesystem::exists(d.source)) throw;
    throw InputError(std::string(error.what()) + "; run tools/datasets to create it");
  }
}

TrainingData::TrainingData(const Recipe& recipe, const std::optional<Target>& target)
    : source_(target ? std::make_unique<NoData>(target->dim) : open_source(recipe)),
      seed_(static_cast<std::uint64_t>(recipe.train.seed)) {
  const auto& all = source_->columns();
  for (const auto& name : recipe.data.condition) {
    const auto found = std::find(all.begin(), all.end(), name);
    if (found == all.end())
      throw InputError(fmt::format("data.condition: {} has no column '{}'; did you mean '{}'?", recipe.data.source,
                                   name, nearest(name, all)));
    condition_rows_.push_back(found - all.begin());
    condition_columns_.push_back(name);
  }
  for (Index i = 0; i < static_cast<Index>(all.size()); ++i) {
    if (std::find(condition_rows_.begin(), condition_rows_.end(), i) != condition_rows_.end()) continue;
    rows_.push_back(i);
    columns_.push_back(all[static_cast<std::size_t>(i)]);
  }
  if (rows_.empty()) throw InputError("data.condition: every column is a condition; leave at least one to model");
  dequantize_ = recipe.data.dequantize, logit_ = recipe.data.logit;
  validation_ = prepared(source_->validation(), "train.dequantize.validation");
  test_ = prepared(source_->test(), "train.dequantize.test");
  standardizer_ = part(rows_, recipe.data.standardize);
  if (recipe.data.standardize && (dequantize_ > 0 || logit_ > 0)) standardizer_ = fit_transformed();
  condition_standardizer_ = part(condition_rows_, recipe.data.standardize);
}

Standardizer TrainingData::part(const std::vector<Index>& rows, bool standardize) const {
  const Index n = static_cast<Index>(rows.size());
  if (!standardize) return {Vector<double>::Zero(n), Vector<double>::Ones(n)};
  return {source_->standardizer().mean(rows), source_->standardizer().scale(rows)};
}

// Of what the flow sees before it standardizes: 16,384 training rows with their noise, through the logit.
Standardizer TrainingData::fit_transformed() const {
  Engine engine = make_stream(seed_, "train.standardizer");
  const Index rows = std::min<Index>(source_->training_rows().value_or(1 << 14), 1 << 14);
  Matrix<double> all(static_cast<Index>(source_->columns().size()), rows);
  source_->batch(engine, all);
  Matrix<double> x = prepared(all, "train.dequantize.standardizer").x;
  if (logit_ > 0) {
    const Matrix<double> t = (logit_ + (1 - 2 * logit_) * x.array()).matrix();
    if (!(t.minCoeff() > 0 && t.maxCoeff() < 1))
      throw InputError("data.logit: the data must be in [0, 1] after data.dequantize is added");
    x = (t.array() / (1 - t.array())).log().matrix();
  }
  return fit_standardizer(x, columns_);
}

// U(0, dequantize) is added to each value of x: a density of discrete data does not exist (Theis et al. 2016,
// section 3.1).
TrainingData::Points TrainingData::prepared(ConstMatrixRef<double> rows, const char* purpose, Index iteration) const {
  auto points = split(rows);
  if (dequantize_ == 0) return points;
  Engine engine = make_stream(seed_, purpose, static_cast<std::uint64_t>(iteration));
  Matrix<double> noise(points.x.rows(), points.x.cols());
  fill_uniform<double>(engine, noise);
  points.x += dequantize_ * noise;
  return points;
}

TrainingData::Points TrainingData::split(ConstMatrixRef<double> rows) const {
  return {rows(rows_, Eigen::all), rows(condition_rows_, Eigen::all)};
}

TrainingData::Points TrainingData::batch(Index iteration, Index size) const {
  Engine engine = make_stream(seed_, "train.batch", static_cast<std::uint64_t>(iteration));
  Matrix<double> rows(static_cast<Index>(source_->columns().size()), size);
  source_->batch(engine, rows);
  return prepared(rows, "train.dequantize", iteration);
}

std::optional<TrainingData::Points> TrainingData::training() const {
  const auto rows = source_->training_rows();
  if (!rows) return std::nullopt;
  return batch(0, *rows);  // a batch of all rows holds each once
}

std::uint64_t TrainingData::hash() const {
  const auto rows = source_->training_rows();
  if (!rows) return 0;
  Hash hash;
  for (const auto& name : source_->columns()) hash.add(name.c_str(), name.size() + 1);
  Matrix<double> training(static_cast<Index>(source_->columns().size()), *rows);
  Engine engine = make_stream(seed_, "train.hash");
  source_->batch(engine, training);  // all of them, each once and in order
  const Matrix<double>* const parts[] = {&training, &source_->validation(), &source_->test()};
  for (const auto* part : parts) hash.add({part->data(), part->rows(), part->cols()});
  return hash.value();
}

std::optional<double> TrainingData::entropy() const {
  return condition_rows_.empty() && dequantize_ == 0 ? source_->entropy() : std::nullopt;
}

// Of a toy: p(x), or p(x | c) = p(x, c) / p(c) for one column given the other.
std::optional<RowVector<double>> TrainingData::log_density(const Points& points) const {
  if (dequantize_ > 0 || !source_->entropy()) return std::nullopt;
  if (condition_rows_.empty()) return source_->log_density(points.x);
  auto joint = [this](ConstMatrixRef<double> x) -> RowVector<double> { return *source_->log_density(x); };
  Matrix<double> both(2, points.x.cols());
  both.row(rows_[0]) = points.x.row(0), both.row(condition_rows_[0]) = points.c.row(0);
  return joint(both) - log_condition_density(joint, condition_rows_[0], points.c);
}

}  // namespace pathline
