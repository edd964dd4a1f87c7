#include "app/picture.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include <fmt/format.h>

#include "app/cell_means.hpp"
#include "app/coarse_solver.hpp"
#include "app/column_ends.hpp"
#include "app/column_names.hpp"
#include "app/condition.hpp"
#include "app/corner.hpp"
#include "app/field_picture.hpp"
#include "app/grid.hpp"
#include "app/named_numbers.hpp"
#include "app/picture_file.hpp"
#include "app/picture_title.hpp"
#include "app/plotted_data.hpp"
#include "app/progress_line.hpp"
#include "core/name_list.hpp"
#include "pathline/app/figure.hpp"
#include "pathline/core/error.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/recipe/build_data.hpp"

namespace pathline {
namespace {

constexpr Index kMostColumns = 10;  // in a corner plot that names no columns
constexpr Index kPaths = 120, kPathTimes = 60;
constexpr Index kPart = 4096;  // points evaluated between two lines of progress
const double kLn10 = std::log(10.0);

// The condition as it is written in p(x2 | x1 = 0.5), " | x1 = 0.5"; "" without a condition.
std::string of_condition(const ModelCard& card, const Matrix<double>& condition) {
  std::string out;
  for (Index i = 0; i < condition.rows(); ++i)
    out += fmt::format("{}{} = {:g}", i ? ", " : " | ", card.condition_columns.at(static_cast<std::size_t>(i)),
                       condition(i, 0));
  return out;
}

// The true log p(x | c) for a model of one column of a toy given the other.
std::optional<RowVector<double>> conditional_truth(const ModelCard& card, const Matrix<double>& x,
                                                   const Matrix<double>& c, int threads) {
  if (c.rows() == 0 || card.recipe.empty()) return std::nullopt;
  Recipe recipe = parse_recipe(card.recipe, card.file + ": its recipe");
  if (!is_toy(recipe.data.source)) return std::nullopt;
  recipe.data.reading.validation_size = recipe.data.reading.test_size = 0;
  return build_data(recipe).log_density({x, c}, threads);
}

// A range from the 0.1 % to the 99.9 % quantile of the values, with a margin; on the axis of their scale.
plot::Range span(std::vector<double> v, plot::Scale scale) {
  const bool log = scale == plot::Scale::log;
  std::erase_if(v, [&](double x) { return !std::isfinite(x) || (log && !(x > 0)); });
  if (v.empty()) return log ? plot::Range{0.1, 10} : plot::Range{-4, 4};
  if (log)
    for (double& x : v) x = std::log10(x);
  std::sort(v.begin(), v.end());
  const double low = v[v.size() / 1000], high = v[v.size() - 1 - v.size() / 1000];
  const double pad = high > low ? 0.08 * (high - low) : std::max(0.5, 1e-6 * std::abs(low));
  return log ? plot::Range{std::pow(10, low - pad), std::pow(10, high + pad)} : plot::Range{low - pad, high + pad};
}

// With 256 shades, a tolerance of 1e-4 gives the same image as a smaller one, at half the cost.
EvaluationOptions of_an_image(const PlotFlags& f, EvaluationOptions options) {
  constexpr double kTolerance = 1e-4;
  if (!f.common.keys.given("--rtol")) options.solver.rtol = std::max(options.solver.rtol, kTolerance);
  if (!f.common.keys.given("--atol")) options.solver.atol = std::max(options.solver.atol, kTolerance);
  return options;
}

template <class S> class Picture {
 public:
  Picture(const PlotFlags& flags, const Model<S>& model, const EvaluationOptions& options)
      : f_(flags),
        model_(model),
        options_(options),
        of_image_(of_an_image(flags, options)),
        names_(column_names(model.card, model.flow.dim())),
        condition_(parse_condition(flags.condition, model.card, model.flow.condition_dim())) {
    scales_.assign(names_.size(), plot::Scale::linear);
    for (const auto place : places_of("--log", flags.log, names_)) scales_[place] = plot::Scale::log;
    choose_columns();
    data_ = plotted_data(flags, model.card, dim(), condition_);
    if (model.flow.periods()) model.flow.periods()->fold(data_.x);
    refuse_nonpositive(data_.x, data_.source);
    draw_samples();
    given_ = of_condition(model.card, condition_);
    title_ = flags.title.empty() ? picture_title(flags, model.flow, data_, options) : flags.title;
    if (flags.title.empty() && !given_.empty())
      title_ += fmt::format("{}p({}{})", title_.empty() ? "" : ": ", fmt::join(names_, ", "), given_);
  }

  std::string bytes() const {
    if (!f_.times.empty()) return at_times().bytes(f_.output);
    if (chosen_.size() < names_.size() || dim() > 2 || !f_.columns.empty())
      return plot::draw_corner(corner(), plot::format_of(f_.output));
    return (dim() == 1 ? one_dimension() : two_dimensions()).bytes(f_.output);
  }

 private:
  Index dim() const { return model_.flow.dim(); }

  void choose_columns() {
    if (!f_.columns.empty()) {
      chosen_ = places_of("--columns", f_.columns, names_);
      return;
    }
    chosen_.resize(std::min(names_.size(), static_cast<std::size_t>(kMostColumns)));
    std::iota(chosen_.begin(), chosen_.end(), std::size_t{0});
    if (chosen_.size() < names_.size())
      f_.common.note(fmt::format("the plot shows {} of {} columns; choose others by --columns, such as --columns {},{}",
                                 chosen_.size(), names_.size(), names_[0], names_.back()));
  }

  void refuse_nonpositive(const Matrix<double>& x, const std::string& source) const {
    for (std::size_t k = 0; k < scales_.size(); ++k)
      if (scales_[k] == plot::Scale::log && (x.row(static_cast<Index>(k)).array() <= 0).any())
        throw InputError(fmt::format("--log {}: {} has values that are not above 0 in this column", names_[k],
                                     source.empty() ? "the model" : source));
  }

  void draw_samples() {
    auto fast = options_;
    fast.density = false;
    samples_.resize(dim(), f_.samples);
    ProgressLine progress(f_.common.quiet, "samples", f_.samples);
    for (Index first = 0; first < f_.samples; first += kPart) {
      const Index n = std::min(kPart, f_.samples - first);
      fast.first = first;
      samples_.middleCols(first, n) = model_.flow.sample(n, f_.seed, fast, conditions(n)).points;
      progress(first + n);
    }
    Index below = 0;
    for (std::size_t k = 0; k < scales_.size(); ++k)
      if (scales_[k] == plot::Scale::log) below += (samples_.row(static_cast<Index>(k)).array() <= 0).count();
    if (below > 0)
      f_.common.note(
          fmt::format("{} of {} draws of the model have a value of at most 0 on a log axis: not shown; "
                      "train with --bounds to keep a column above 0",
                      below, f_.samples));
  }

  Matrix<double> conditions(Index n) const { return condition_.replicate(1, condition_.rows() > 0 ? n : 1); }

  // The range of a column within its bounds, or one period.
  plot::Range range(Index row, const Matrix<double>* more = nullptr) const {
    if (column_ends(model_.flow, row) == plot::Ends::periodic) return within_ends(model_.flow, row, {});
    std::vector<double> values(data_.x.row(row).begin(), data_.x.row(row).end());
    values.insert(values.end(), samples_.row(row).begin(), samples_.row(row).end());
    const auto scale = scales_[static_cast<std::size_t>(row)];
    auto out = span(values, scale);
    if (more) {
      const auto wider = span({more->row(row).begin(), more->row(row).end()}, scale);
      out = {std::min(out.low, wider.low), std::max(out.high, wider.high)};
    } else if (data_.toy && dim() == 2) {
      const auto b = data_.toy->bounds();
      if (scale == plot::Scale::linear) return {b(row, 0), b(row, 1)};
    }
    if (const auto* bounds = model_.flow.bounds(); bounds) {
      const double half = is_discrete(row) ? 0.5 : 0;  // of the bar of an integer
      if (bounds->low()(row) > 0 || scale == plot::Scale::linear)
        out.low = std::max(out.low, bounds->low()(row) - half);
      out.high = std::min(out.high, bounds->high()(row) + half);
    }
    return out;
  }

  plot::Axis axis(Index row, const plot::Range& limits) const {
    return {.label = names_[static_cast<std::size_t>(row)], .limits = limits, .scale = scale(row)};
  }
  plot::Scale scale(Index row) const { return scales_[static_cast<std::size_t>(row)]; }
  bool is_discrete(Index row) const { return contains(model_.card.discrete, names_[static_cast<std::size_t>(row)]); }
  bool is_log(Index row) const { return scale(row) == plot::Scale::log; }

  // Cells that are even on the axes.
  Grid grid(const std::vector<plot::Range>& ranges, Index cells) const {
    std::vector<Grid::Axis> axes;
    for (std::size_t k = 0; k < ranges.size(); ++k) {
      const bool log = scales_[k] == plot::Scale::log;
      axes.push_back(
          {log ? std::log10(ranges[k].low) : ranges[k].low, log ? std::log10(ranges[k].high) : ranges[k].high, cells});
    }
    return Grid(axes);
  }

  // The values of the columns at places on the axes, which have the logarithm of a value on a logarithmic scale.
  Matrix<double> values_at(Matrix<double> places) const {
    for (Index k = 0; k < places.rows(); ++k)
      if (is_log(k)) places.row(k) = (kLn10 * places.row(k).array()).exp();
    return places;
  }
  Matrix<double> centres(const Grid& grid) const { return values_at(grid.points(0, grid.size())); }

  // Turns the density into one per decade on each logarithmic axis.
  void per_decade(const Matrix<double>& x, RowVector<double>& log_p) const {
    for (Index k = 0; k < x.rows(); ++k)
      if (is_log(k)) log_p.array() += (kLn10 * x.row(k)).array().log();
  }

  // The log-density at a time, in parts, with progress.
  RowVector<double> learned(const Matrix<double>& x, double time, ProgressLine& progress, Index before = 0) const {
    RowVector<double> out(x.cols());
    for (Index first = 0; first < x.cols(); first += kPart) {
      const Index n = std::min(kPart, x.cols() - first);
      const Matrix<double> part = x.middleCols(first, n);
      out.segment(first, n) = time < 0 ? model_.flow.log_prob(part, conditions(n), of_image_).log_prob
                                       : model_.flow.log_prob_at(time, part, conditions(n), of_image_).log_prob;
      progress(before + first + n);
    }
    per_decade(x, out);
    return out;
  }

  // The log-densities of the cells of a grid at a time, with progress.
  RowVector<double> learned(const Grid& grid, double time, ProgressLine& progress, Index before = 0) const {
    RowVector<double> out = learned(centres(grid), time, progress, before);
    average_steep_cells(grid, out, [&](const Matrix<double>& places) {
      ProgressLine fine(f_.common.quiet, "densities of narrow structures", places.cols());
      return learned(values_at(places), time, fine);
    });
    return out;
  }

  // The true log-densities of the cells of a grid; log_density is that of the columns.
  RowVector<double> known(const Grid& grid, const LogDensityOf& log_density) const {
    const auto at = [&](const Matrix<double>& places) {
      const Matrix<double> x = values_at(places);
      RowVector<double> out = log_density(x);
      per_decade(x, out);
      return out;
    };
    RowVector<double> out = at(grid.points(0, grid.size()));
    average_steep_cells(grid, out, at);
    return out;
  }

  std::string density_name(const std::string& of) const {
    const bool log = std::any_of(scales_.begin(), scales_.end(), [](auto s) { return s == plot::Scale::log; });
    return log ? of + " per decade" : of;
  }

  std::vector<std::optional<double>> marks(const std::vector<std::string>& names) const {
    if (f_.truth.empty()) return std::vector<std::optional<double>>(names.size());
    return named_numbers("--truth", f_.truth, names);
  }

  plot::Figure one_dimension() const {
    plot::Figure figure({.title = title_, .panel_size = f_.size, .width = f_.size});
    const auto range = this->range(0);
    const Grid cells = grid({range}, 600);
    const Matrix<double> x = centres(cells);
    ProgressLine progress(f_.common.quiet, "densities", 600);
    const auto curve_of = [&](const std::string& label, const RowVector<double>& log_p) {
      plot::Series out{.label = label, .x = {x.data(), x.data() + x.size()}, .y = {}, .colour = {}};
      for (double v : log_p) out.y.push_back(std::exp(v));
      return out;
    };
    std::vector<plot::Series> curves{curve_of("learned density", learned(cells, -1, progress))};
    curves[0].colour = plot::line_colour(1);
    if (auto known = conditional_truth(model_.card, x, conditions(600), options_.threads)) {
      per_decade(x, *known);
      curves.push_back(curve_of("true density", *known));
      curves[1].colour = plot::line_colour(3);
    }
    std::vector<std::pair<std::string, std::vector<double>>> bars;
    const Matrix<double> shown = data_.resampled(f_.samples, f_.seed);
    if (shown.cols() > 0)
      bars.push_back({data_.label, {shown.data(), shown.data() + shown.size()}});
    else
      bars.push_back({"samples", {samples_.data(), samples_.data() + samples_.size()}});
    figure.histogram("", bars, curves, axis(0, range), {.label = density_name("p(" + names_[0] + given_ + ")")});
    figure.mark(marks(names_)[0], std::nullopt);
    return figure;
  }

  plot::DensityImage image(const RowVector<double>& values, Index cells, const plot::Range& x,
                           const plot::Range& y) const {
    return {ConstMatrixMap<double>(values.data(), cells, cells), x, y};
  }

  Matrix<double> difference(const RowVector<double>& model, const RowVector<double>& known) const {
    const RowVector<double> values = model.array().exp() - known.array().exp();
    return ConstMatrixMap<double>(values.data(), f_.cells, f_.cells);
  }

  plot::Figure two_dimensions() const {
    const auto rx = range(0), ry = range(1);
    const auto x = axis(0, rx), y = axis(1, ry);
    const Grid cells = grid({rx, ry}, f_.cells);
    ProgressLine progress(f_.common.quiet, "densities", cells.size());
    const RowVector<double> model = learned(cells, -1, progress);
    std::optional<RowVector<double>> truth;
    double highest = std::exp(model.maxCoeff());
    if (data_.toy) {
      truth = known(cells, [&](const Matrix<double>& at) { return data_.toy->log_density(at, options_.threads); });
      highest = std::exp(truth->maxCoeff()) * 1.05;
    }
    if (f_.error && !truth)
      throw InputError("--error: the true density is known only of the built-in toys; this model was trained on " +
                       (data_.source.empty() ? "other data" : data_.source));
    const auto mark = marks(names_);
    // Points on the left, densities on the right, unless three panels fit into one row.
    std::vector<std::function<void(plot::Figure&)>> left, right;
    if (data_.x.cols() > 0)
      left.push_back([&](plot::Figure& figure) {
        figure.scatter(data_.label, {{.points = data_.resampled(f_.samples, f_.seed)}}, x, y);
        figure.mark(mark[0], mark[1]);
      });
    left.push_back([&](plot::Figure& figure) {
      figure.scatter("samples", {{.points = samples_, .colour = plot::line_colour(1)}}, x, y);
    });
    if (f_.paths) left.push_back([&](plot::Figure& figure) { add_paths(figure, x, y); });
    right.push_back([&](plot::Figure& figure) {
      figure.heat_map(density_name("learned density"), image(model, f_.cells, rx, ry), x, y, highest);
      figure.mark(mark[0], mark[1]);
    });
    if (truth)
      right.push_back([&](plot::Figure& figure) {
        figure.heat_map(density_name("true density"), image(*truth, f_.cells, rx, ry), x, y, highest);
      });
    if (f_.error)
      right.push_back([&](plot::Figure& figure) {
        figure.difference_map("learned \u2212 true", {difference(model, *truth), rx, ry}, x, y);
      });
    const bool row = left.size() + right.size() <= 3;
    plot::Figure figure({.title = title_, .columns = row ? 3 : 2, .width = f_.size});
    for (std::size_t k = 0; k < std::max(left.size(), right.size()); ++k) {
      if (k < left.size()) left[k](figure);
      if (k >= left.size()) figure.blank();
      if (row) continue;
      if (k < right.size()) right[k](figure);
      if (k >= right.size()) figure.blank();
    }
    if (row) right.front()(figure);
    return figure;
  }

  std::vector<Matrix<double>> trajectories(Index n, const std::vector<double>& times) const {
    std::vector<Matrix<double>> along;
    const auto c = conditions(n);
    const auto z0 = model_.flow.draw_base(n, f_.seed, EvaluationOptions{}.tile, 0, c);
    model_.flow.trajectory(z0, times, along, options_, c);
    return along;
  }

  void add_paths(plot::Figure& figure, const plot::Axis& x, const plot::Axis& y) const {
    std::vector<double> times;
    const double end = model_.flow.end_time();
    for (Index k = 0; k <= kPathTimes; ++k)
      times.push_back(k == kPathTimes ? end : end * static_cast<double>(k) / kPathTimes);
    const auto along = trajectories(kPaths, times);
    std::vector<plot::Series> series;
    for (Index i = 0; i < kPaths; ++i) {
      plot::Series s{.label = {}, .x = {}, .y = {}, .colour = plot::Colour{0, 0.447, 0.698, 0.35}};
      for (const auto& at : along) s.x.push_back(at(0, i)), s.y.push_back(at(1, i));
      series.push_back(std::move(s));
    }
    // The base may reach farther than the data.
    Matrix<double> all(dim(), 2 * kPaths);
    all << along.front(), along.back();
    figure.paths("trajectories from the base", series, {.label = x.label, .limits = range(0, &all), .scale = x.scale},
                 {.label = y.label, .limits = range(1, &all), .scale = y.scale});
  }

  std::vector<double> times() const {
    auto out = numbers_of("--time", f_.times);
    const double end = model_.flow.end_time();
    for (const double t : out)
      if (!(t >= 0 && t <= end))
        throw InputError(
            fmt::format("--time: {:g} is outside of the time of the flow, 0 (base) to {:g} (data)", t, end));
    return out;
  }

  // The densities at several times: a row of images, or curves in one panel.
  plot::Figure at_times() const {
    const auto when = times();
    auto increasing = when;
    std::sort(increasing.begin(), increasing.end());
    increasing.erase(std::unique(increasing.begin(), increasing.end()), increasing.end());
    Matrix<double> all(dim(), 0);
    for (const auto& at : trajectories(2000, increasing)) {
      all.conservativeResize(dim(), all.cols() + at.cols());
      all.rightCols(at.cols()) = at;
    }
    std::vector<plot::Range> ranges;
    for (Index k = 0; k < dim(); ++k) ranges.push_back(range(k, &all));
    const Grid cells = grid(ranges, dim() == 1 ? 600 : f_.cells);
    const Matrix<double> at = centres(cells);
    ProgressLine progress(f_.common.quiet, "densities", at.cols() * std::ssize(when));
    plot::Figure figure({.title = title_, .columns = std::ssize(when), .width = f_.size});
    std::vector<plot::Series> curves;
    for (std::size_t k = 0; k < when.size(); ++k) {
      const auto log_p = learned(cells, when[k], progress, static_cast<Index>(k) * at.cols());
      const std::string name = fmt::format("t = {:g}", when[k]);
      if (dim() == 2) {
        figure.heat_map(name, image(log_p, f_.cells, ranges[0], ranges[1]), axis(0, ranges[0]), axis(1, ranges[1]), {},
                        {}, plot::Bar::hidden);
        continue;
      }
      curves.push_back({.label = name, .x = {at.data(), at.data() + at.size()}, .y = {}, .colour = {}});
      for (const double v : log_p) curves.back().y.push_back(std::exp(v));
    }
    if (dim() == 1) figure.lines("", curves, axis(0, ranges[0]), {.label = density_name("density")});
    return figure;
  }

  plot::Corner corner() const {
    plot::Corner out{.title = title_, .width = f_.size, .columns = {}, .model = {.label = "model"}};
    std::vector<std::string> shown;
    for (const auto k : chosen_) shown.push_back(names_[k]);
    const auto at = marks(shown);
    out.model.colour = plot::line_colour(1), out.model.points.resize(std::ssize(chosen_), samples_.cols());
    if (data_.x.cols() > 0) {
      out.data = plot::CornerSamples{.label = data_.label,
                                     .points = Matrix<double>(std::ssize(chosen_), data_.x.cols()),
                                     .weights = data_.weights,
                                     .colour = plot::line_colour(0)};
    }
    for (std::size_t k = 0; k < chosen_.size(); ++k) {
      const auto row = static_cast<Index>(chosen_[k]);
      out.model.points.row(static_cast<Index>(k)) = samples_.row(row);
      if (out.data) out.data->points.row(static_cast<Index>(k)) = data_.x.row(row);
      out.columns.push_back({.label = names_[chosen_[k]],
                             .range = range(row),
                             .scale = scale(row),
                             .ends = column_ends(model_.flow, row),
                             .discrete = is_discrete(row),
                             .truth = at[k]});
    }
    return out;
  }

  const PlotFlags& f_;
  const Model<S>& model_;
  const EvaluationOptions& options_;
  EvaluationOptions of_image_;
  std::vector<std::string> names_;
  std::vector<plot::Scale> scales_;  // of each column
  std::vector<std::size_t> chosen_;  // columns of a corner plot
  Matrix<double> condition_, samples_;
  PlottedData data_;
  std::string title_, given_;
};

// Refuses options that a picture of d columns cannot use.
void refuse_useless(const PlotFlags& f, Index d) {
  const bool corner = d > 2 || !f.columns.empty();
  if (d != 2 || corner) {
    const std::string why = d != 2 ? fmt::format("applies to a model of two columns; this one has {}", d)
                                   : "cannot be used with --columns, which gives a corner plot";
    refuse_ignored(f.command, {"--paths", "--error"}, why);
    if (f.times.empty() || d != 2) refuse_ignored(f.command, {"--cells"}, why);
  }
  if (corner)
    refuse_ignored(f.command, {"--time"},
                   d > 2 ? fmt::format("applies to a model of one or two columns; this one has {}", d)
                         : "cannot be used with --columns");
  if (!f.times.empty())
    refuse_ignored(f.command, {"--paths", "--error", "--truth"}, "cannot be used with --time, a row of densities");
}

template <class S> std::string picture_as(const PlotFlags& f) {
  const auto model = read_model<S>(model_file(f.model()));
  warn_of_format(model.card);
  refuse_useless(f, model.flow.dim());
  if (f.paths) refuse_ensemble(model.flow, "--paths");
  if (!f.times.empty()) refuse_ensemble(model.flow, "--time");
  const auto options = evaluation_options(model, f.common);
  warn_of_coarse_solver(model.flow, model.card, options);
  return Picture<S>(f, model, options).bytes();
}

}  // namespace

std::string field_picture_of(const PlotFlags& f) {
  refuse_ignored(
      f.command,
      {"--data", "--samples", "--paths", "--error", "--time", "--columns", "--log", "--truth", "--precision"},
      "has no effect with --field, which draws the vector field over the density at five times");
  const auto model = read_model<double>(model_file(f.model()));
  const auto& flow = model.flow;
  if (flow.dim() != 2)
    throw InputError(fmt::format("--field: draws a model of two columns; this one has {}", flow.dim()));
  refuse_ensemble(flow, "--field");
  if (flow.blocks().empty()) throw InputError("--field: the model has no vector field, only transforms in one step");
  FieldPicture picture{.columns = column_names(model.card, 2),
                       .cells = f.cells,
                       .residual = f.residual,
                       .width = f.size,
                       .condition = parse_condition(f.condition, model.card, flow.condition_dim()),
                       .seed = f.seed,
                       .quiet = f.common.quiet};
  for (int k = 0; k <= 4; ++k) picture.times.push_back(k == 4 ? flow.end_time() : flow.end_time() * k / 4);
  picture.title = f.title.empty() ? "density and velocity between the base and the data" +
                                        of_condition(model.card, picture.condition)
                                  : f.title;
  return field_figure(flow, picture, evaluation_options(model.card, f.common)).bytes(f.output);
}

std::string picture_of(const PlotFlags& f) {
  return is_double(read_card(model_file(f.model())), f.common) ? picture_as<double>(f) : picture_as<float>(f);
}

}  // namespace pathline
