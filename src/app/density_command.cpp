#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "app/column_names.hpp"
#include "app/command.hpp"
#include "app/condition.hpp"
#include "app/grid.hpp"
#include "app/integrated_density.hpp"
#include "app/output.hpp"
#include "app/mean_nfe.hpp"
#include "app/part_size.hpp"
#include "app/point_source.hpp"
#include "app/progress_line.hpp"
#include "app/report.hpp"
#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"
#include "pathline/flow/error_bar.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/io/table.hpp"
#include "pathline/train/evaluate.hpp"
#include "train/density_statistics.hpp"
#include "train/metrics_line.hpp"

namespace pathline {
namespace {

struct DensityFlags {
  std::string model, input, output, condition, grid;
  bool summary = false, independent = false, error = false;
  std::optional<double> max_error, time;
  std::uint64_t seed = 0;
  CommonFlags common;
};

// A point whose solve fails even when it is solved alone.
struct FailedPoint {
  Index column;  // its column in the part of the table
  std::string reason;
  bool late;  // whether the time limit was reached, as it would be with a smaller tolerance, too
};

// Removes the number in "point 70: step limit ...", which is not the number of the row.
std::string reason_of(const std::string& what) {
  const auto colon = what.find(": ");
  return what.starts_with("point") && colon != std::string::npos ? what.substr(colon + 2) : what;
}

// The log-densities of a part of the table.
struct LogProbOfRows {
  RowVector<double> log_prob;
  double nfe = 0;
  std::vector<FailedPoint> failed;  // in their order
  RowVector<double> error = {};     // the bars, where they are wanted
};

// Evaluates points [first, first + count) of the part and stores them in `got`. A part that fails is halved until the
// failing points are alone. The tiles stay the same, so that the other points are solved as before. nfe is summed over the
// points.
template <class S> void solve_part(const IntegratedDensity<S>& density, const Matrix<double>& x,
                                   const Matrix<double>& c, const EvaluationOptions& options, Index first, Index count,
                                   LogProbOfRows& got) {
  auto here = options;
  here.first += first / options.tile * options.tile;
  const Matrix<double> part_c = c.rows() > 0 ? Matrix<double>(c.middleCols(first, count)) : Matrix<double>(0, count);
  try {
    const auto part = density.log_prob(x.middleCols(first, count), part_c, here);
    got.log_prob.segment(first, count) = part.log_prob;
    got.nfe += part.nfe * static_cast<double>(count);
  } catch (const NumericalError& error) {
    if (count == 1) {
      got.log_prob[first] = std::numeric_limits<double>::quiet_NaN();
      const bool late = dynamic_cast<const TimeLimitReached*>(&error);
      got.failed.push_back({first, reason_of(error.what()), late});
      return;
    }
    const Index tiles = (count + options.tile - 1) / options.tile;
    const Index half = tiles > 1 ? tiles / 2 * options.tile : 1;
    if (tiles > 1) {
      solve_part(density, x, c, options, first, half, got);
      solve_part(density, x, c, options, first + half, count - half, got);
    } else {
      for (Index i = 0; i < count; ++i) solve_part(density, x, c, options, first + i, 1, got);
    }
  }
}

// Writes the log-densities as lines to the standard output, or to a file whose suffix gives the format. CSV has the points
// and the condition before the log-density, HDF5 has `points`, `condition`, `log_density` and `status`, NPY has the
// log-densities alone. If a log-density is NaN because its solve failed, the reason follows as a comment on its line. With
// --error or --max-error, the error bar follows the log-density; HDF5 has it as `error`. The log-densities on a grid are an
// array in HDF5, with one axis for each column that has several values.
class DensityOutput {
 public:
  DensityOutput(const DensityFlags& f, const ModelCard& card, const std::optional<Grid>& grid, Index dim,
                Index condition_dim)
      : lines_(f.output.empty() && !f.summary),
        with_error_(f.error || f.max_error),
        grid_(grid),
        names_(column_names(card, dim)) {
    for (Index i = 0; i < dim; ++i)
      if (!grid || std::find(grid->integrated().begin(), grid->integrated().end(), i) == grid->integrated().end())
        written_.push_back(i);
    if (f.output.empty()) return;
    const auto format = table_format(f.output);
    if (format == TableFormat::hdf5) {
      file_ = std::make_unique<Hdf5File>(Hdf5File::create(f.output));
      if (grid) return;
      points_ = file_->create_extendible<double>("points", {dim});
      if (condition_dim > 0) condition_ = file_->create_extendible<double>("condition", {condition_dim});
      density_ = file_->create_extendible<double>("log_density", {});
      if (with_error_) error_ = file_->create_extendible<double>("error", {});
      status_ = file_->create_extendible<std::int64_t>("status", {});
      status_->set_attribute("meaning", "0: evaluated, 1: the solve failed; failed_rows and failed_reasons say where");
      return;
    }
    with_points_ = format == TableFormat::csv;
    std::vector<std::string> columns;
    if (with_points_) {
      for (const Index i : written_) columns.push_back(names_[static_cast<std::size_t>(i)]);
      columns.insert(columns.end(), card.condition_columns.begin(), card.condition_columns.end());
    }
    columns.push_back("log_density");
    if (with_error_) columns.push_back("error");
    table_ = TableWriter::create(f.output, columns, static_cast<Index>(columns.size()));
  }
  void append(const Matrix<double>& x, const Matrix<double>& c, const LogProbOfRows& got) {
    const auto& log_prob = got.log_prob;
    const auto comments = comments_of(got);
    if (lines_) {
      fmt::memory_buffer text;
      for (Index i = 0; i < log_prob.size(); ++i) {
        const auto& comment = comments.empty() ? std::string() : comments[static_cast<std::size_t>(i)];
        fmt::format_to(std::back_inserter(text), "{:.9g}", log_prob[i]);
        if (with_error_) fmt::format_to(std::back_inserter(text), " {:.2g}", got.error[i]);
        fmt::format_to(std::back_inserter(text), "{}\n", comment);
      }
      write_result({text.data(), text.size()});
    } else if (file_ && grid_) {
      values_.insert(values_.end(), log_prob.begin(), log_prob.end());
      errors_.insert(errors_.end(), got.error.begin(), got.error.end());
    } else if (file_) {
      points_->append(x), density_->append(Matrix<double>(log_prob));
      if (condition_) condition_->append(c);
      if (error_) error_->append(Matrix<double>(got.error));
      Matrix<std::int64_t> status = Matrix<std::int64_t>::Zero(1, log_prob.size());
      for (const auto& point : got.failed) status(0, point.column) = 1;
      status_->append(status);
    } else if (table_) {
      const Index columns = with_points_ ? std::ssize(written_) : 0, conditions = with_points_ ? c.rows() : 0;
      Matrix<double> rows(columns + conditions + 1 + with_error_, x.cols());
      if (with_points_) rows.topRows(columns) = x(written_, Eigen::all), rows.middleRows(columns, conditions) = c;
      rows.row(columns + conditions) = log_prob;
      if (with_error_) rows.row(columns + conditions + 1) = got.error;
      table_->append(rows, comments);
    }
  }
  Hdf5File* file() { return file_.get(); }
  void commit() {
    if (lines_) flush_results();
    if (file_ && grid_) write_array();
    points_.reset(), condition_.reset(), density_.reset(), error_.reset(), status_.reset();
    if (file_) file_->commit();
    if (table_) table_->commit();
  }

 private:
  // One comment for each row if a row failed, or else none. It has no comma, which would end a cell.
  static std::vector<std::string> comments_of(const LogProbOfRows& got) {
    if (got.failed.empty()) return {};
    std::vector<std::string> out(static_cast<std::size_t>(got.log_prob.size()));
    for (const auto& point : got.failed) {
      auto& comment = out[static_cast<std::size_t>(point.column)] = "  # " + point.reason;
      std::replace(comment.begin(), comment.end(), ',', ';');
    }
    return out;
  }

  // Writes log_density (n1, n2, ...), the cell centres as axes/<column>, and the values of the other columns as attributes.
  void write_array() {
    Hdf5Shape shape;
    std::vector<std::string> axes, fixed, integrated;
    std::vector<double> fixed_at;
    for (const Index i : grid_->extended()) {
      const auto& axis = grid_->axes()[static_cast<std::size_t>(i)];
      std::vector<double> centres;
      for (Index k = 0; k < axis.count; ++k) centres.push_back(axis.centre(k));
      axes.push_back(names_[static_cast<std::size_t>(i)]), shape.push_back(axis.count);
      std::string name = axes.back();
      std::replace(name.begin(), name.end(), '/', '_');  // a path of HDF5 would begin a group there
      file_->write_values<double>("axes/" + name, {axis.count}, centres.data());
    }
    for (const Index i : grid_->integrated()) integrated.push_back(names_[static_cast<std::size_t>(i)]);
    for (const Index i : written_)
      if (const auto& axis = grid_->axes()[static_cast<std::size_t>(i)]; axis.slice())
        fixed.push_back(names_[static_cast<std::size_t>(i)]), fixed_at.push_back(axis.low);
    file_->write_values<double>("log_density", shape, grid_->as_array(values_).data());
    if (with_error_) file_->write_values<double>("error", shape, grid_->as_array(errors_).data());
    auto array = file_->dataset("log_density");
    array.set_attribute("axes", axes);
    if (!fixed.empty()) array.set_attribute("fixed", fixed), array.set_attribute("fixed_at", fixed_at);
    if (!integrated.empty()) array.set_attribute("integrated", integrated);
  }

  bool lines_, with_error_, with_points_ = false;
  const std::optional<Grid>& grid_;
  std::vector<std::string> names_;
  std::vector<Index> written_;           // the columns that points have
  std::vector<double> values_, errors_;  // on a grid, in its order
  std::unique_ptr<Hdf5File> file_;
  std::optional<Hdf5Dataset> points_, condition_, density_, error_, status_;
  std::unique_ptr<TableWriter> table_;
};

std::string plus_minus(const Moments& m) {
  const std::string mean = fmt::format("{:.5f}", m.mean);
  return std::isfinite(m.error()) ? fmt::format("{} +- {:.5f}", mean, m.error()) : mean;
}

// The figures of the summary, collected part by part, over the points whose solve succeeded.
struct Totals {
  Moments nll, kl;
  MeanNfe nfe;
  double mass = 0;
  PointSample sample{256};  // points whose solver error is measured
  std::vector<std::int64_t> failed_rows;
  std::vector<std::string> failed_reasons;
  Index rows = 0;
  std::string without_error;  // why the error of a solve is not that of the result: "not estimated for integrals"

  // tile: the tile size of the solves.
  void add(const Matrix<double>& points, const Matrix<double>& conditions, const LogProbOfRows& got,
           const RowVector<double>& known, Index tile) {
    nfe.add(got.nfe, points.cols(), tile);
    if (got.failed.empty()) {
      add_evaluated(points, conditions, got.log_prob, known);
    } else {
      const auto kept = evaluated(got);
      add_evaluated(
          points(Eigen::all, kept), conditions.rows() > 0 ? Matrix<double>(conditions(Eigen::all, kept)) : conditions,
          got.log_prob(Eigen::all, kept), known.size() > 0 ? RowVector<double>(known(Eigen::all, kept)) : known);
    }
    for (const auto& point : got.failed)
      failed_rows.push_back(rows + point.column), failed_reasons.push_back(point.reason);
    rows += points.cols();
  }

 private:
  static std::vector<Index> evaluated(const LogProbOfRows& got) {
    std::vector<Index> kept;
    std::size_t next = 0;
    for (Index i = 0; i < got.log_prob.size(); ++i)
      if (next < got.failed.size() && got.failed[next].column == i)
        ++next;
      else
        kept.push_back(i);
    return kept;
  }
  void add_evaluated(const Matrix<double>& points, const Matrix<double>& conditions, const RowVector<double>& log_prob,
                     const RowVector<double>& known) {
    nll.add(-log_prob);
    if (known.size() > 0) kl.add(known - log_prob);
    mass += log_prob.array().exp().sum();
    if (points.allFinite()) sample.add(points, conditions, log_prob);  // not finite if columns are integrated out
  }
};

DensityError error_of(const DensityFlags& f, const Totals& t, const EvaluationOptions& options) {
  return density_error(read_model<double>(model_file(f.model)).flow, t.sample, options);
}

void print_error(const DensityError& e) {
  if (!e.unknown.empty())
    fmt::print("log-density error  not known: {}\n", e.unknown);
  else
    fmt::print("log-density error  mean {:.1e}, largest {:.1e} nats, of {} points against double at tolerance 1e-9\n",
               e.mean, e.largest, e.points);
}

// Fixed steps have no error control, so this warning is the only sign that there are too few.
void warn_of_error(const DensityFlags& f, const Totals& t, const EvaluationOptions& options) {
  if (options.trace.kind != TraceKind::exact || !t.without_error.empty()) return;
  const auto e = error_of(f, t, options);
  if (e.unknown.empty() && e.mean > 0.01)
    report_warning(
        "--steps {} is too few: the mean log-density error is {:.1e} nats, the largest {:.1e}; use more steps, or "
        "omit --steps for adaptive steps",
        options.solver.steps, e.mean, e.largest);
}

// Warns of points from another table or in other units, whose log-densities are finite but meaningless. The bounds on
// the distance from the training data and on the NLL are far beyond what data of the model reaches.
template <class S> void warn_of_far_points(const Flow<S>& flow, const ModelCard& card, const Totals& t) {
  const double distance = median_distance(flow, t.sample);
  RowVector<double> nll = -t.sample.log_prob();
  std::sort(nll.begin(), nll.end(), [](double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); });
  const double median = nll[nll.size() / 2];
  const auto trained = validation_nll(card);
  const bool unlikely = trained && median > *trained + 20 + 2 * static_cast<double>(flow.dim());
  if (!(distance > 6) && !unlikely) return;
  const std::string of_training = trained ? fmt::format(" (the training data: {:.1f})", *trained) : "";
  report_warning(
      "most of the points are far from the data that the model was trained on: their median "
      "distance from the mean is {:.1f} standard deviations, their median NLL {:.1f} nats{}; check the table's "
      "columns, their order and their units",
      distance, median, of_training);
}

// Writes how to arrange the log-densities as an array: the count of each axis, where the first axis runs fastest.
void write_grid(Hdf5File& file, const Grid& grid) {
  std::vector<double> low, high;
  std::vector<std::int64_t> count;
  for (const auto& axis : grid.axes()) low.push_back(axis.low), high.push_back(axis.high), count.push_back(axis.count);
  file.set_attribute("grid_low", low), file.set_attribute("grid_high", high), file.set_attribute("grid_count", count);
}

// Warns if the log-densities are not accurate enough for the KL divergence that is computed from them.
void warn_of_kl(const Totals& t, const std::optional<DensityError>& error) {
  const bool solved = error && error->unknown.empty();
  if (is_impossible_kl(t.kl.mean, t.kl.error()))
    report_warning(
        "KL(data || model) = {} is negative, which no density can have: the log-densities{} or "
        "the column log_density are wrong",
        plus_minus(t.kl), solved ? fmt::format(", off by {:.1e} nats on average,", error->mean) : "");
  else if (solved && std::abs(error->bias) > 1e-3 && !(std::abs(error->bias) <= 2 * t.kl.error()))
    report_warning(
        "the solve is too coarse for KL(data || model) = {}: it shifts the mean log-density by "
        "{:.1e} nats; use a smaller --rtol and --atol, or more --steps",
        plus_minus(t.kl), error->bias);
}

template <class S> void print_summary(const DensityFlags& f, const Flow<S>& flow, const Totals& t,
                                      const std::optional<Grid>& grid, const EvaluationOptions& options) {
  fmt::print("points             {}\n", t.rows);
  if (grid)
    fmt::print("mass on the grid   {:.5f} (midpoint rule)\n", t.mass * grid->cell());
  else
    fmt::print("mean NLL           {} nats{}\n", plus_minus(t.nll), t.nll.n > 1 ? " (standard error)" : "");
  std::optional<DensityError> error;
  if (!t.without_error.empty())
    error = DensityError{.unknown = t.without_error};
  else if (options.trace.kind == TraceKind::exact)
    error = error_of(f, t, options);
  if (t.kl.n > 0) fmt::print("KL(data || model)  {} nats, by the column log_density\n", plus_minus(t.kl));
  fmt::print("NFE                {:.1f}\n", t.nfe.value());
  if (error)
    print_error(*error);
  else
    fmt::print(
        "log-density error  {:.1e} nats: the standard error of each by {} of Hutchinson's probes, over {} points\n",
        probe_error(flow, t.sample, options), options.trace.probes, t.sample.size());
  if (t.kl.n > 0) warn_of_kl(t, error);
}

// An error may name a point, counted from the start of the table. This adds the file and says which row it is.
std::string in_table(const std::string& table, Index before, Index count, std::string_view what) {
  Index point = 0;
  const std::string_view word = "point ";
  if (what.starts_with(word)) {
    const auto [end, error] = std::from_chars(what.data() + word.size(), what.data() + what.size(), point);
    if (error == std::errc()) return fmt::format("{}: row {}{}", table, point, what.substr(end - what.data()));
  }
  return fmt::format("{}: rows {} to {}: {}", table, before + 1, before + count, what);
}

template <class S> LogProbOfRows log_prob_of_rows(const IntegratedDensity<S>& density, const Matrix<double>& x,
                                                  const Matrix<double>& c, const EvaluationOptions& options,
                                                  const std::string& table, Index before) {
  const std::string what =
      fmt::format("{} points of {} columns on {} threads; use fewer --threads, or --trace hutchinson", options.tile,
                  x.rows(), thread_count(options.threads));
  LogProbOfRows got{RowVector<double>(x.cols()), 0, {}};
  try {
    with_memory(what, [&] { solve_part(density, x, c, options, 0, x.cols(), got); });
    got.nfe /= static_cast<double>(x.cols());
    return got;
  } catch (const InputError& error) {
    throw InputError(in_table(table, before, x.cols(), error.what()));
  }
}

// Evaluates points whose solve failed again: in double precision, with more steps, a smaller tolerance, another method.
class SecondTry {
 public:
  SecondTry(const DensityFlags& f, const EvaluationOptions& options) : f_(f) {
    auto again = options;
    again.tile = 1, again.first = 0;
    auto& solver = again.solver;
    if (solver.steps > 0) {
      solver.steps = 0, solver.stepper = StepperKind::dopri5;
      solver.rtol = solver.atol = 1e-6;
      settings_.push_back(again);
    }
    solver.max_steps *= 4;
    if (!has_error_estimate(solver.stepper)) solver.stepper = StepperKind::dopri5;
    settings_.push_back(again);
    solver.stepper = StepperKind::fehlberg78;
    solver.rtol = std::max(0.1 * solver.rtol, 1e-12), solver.atol = std::max(0.1 * solver.atol, 1e-12);
    settings_.push_back(again);
  }

  void operator()(const Matrix<double>& x, const Matrix<double>& c, LogProbOfRows& got) {
    std::vector<FailedPoint> still;
    for (auto& point : got.failed) {
      const Index i = point.column;
      const Matrix<double> condition = c.rows() > 0 ? Matrix<double>(c.col(i)) : Matrix<double>(0, 1);
      if (!point.late && in_vain_ < kMostInVain && succeeds(x.col(i), condition, got.log_prob[i]))
        ++rescued_;
      else
        ++in_vain_, still.push_back(point);
    }
    got.failed = std::move(still);
  }
  Index rescued() const { return rescued_; }

 private:
  static constexpr Index kMostInVain = 100;  // so that a table in which every point fails comes to an end

  bool succeeds(const Matrix<double>& x, const Matrix<double>& c, double& log_prob) {
    if (!flow_) flow_ = read_model<double>(model_file(f_.model)).flow;
    for (const auto& options : settings_) {
      try {
        log_prob = (f_.time ? flow_->log_prob_at(*f_.time, x, c, options) : flow_->log_prob(x, c, options)).log_prob[0];
        return true;
      } catch (const NumericalError&) {  // the next method may succeed
      }
    }
    return false;
  }

  const DensityFlags& f_;
  std::vector<EvaluationOptions> settings_;
  std::optional<Flow<double>> flow_;
  Index rescued_ = 0, in_vain_ = 0;
};

// Reports the points that failed, at the end of the table. Returns the exit code 1.
int report_failed(const Totals& t, Index rescued, const std::string& table, bool quiet) {
  if (rescued > 0 && !quiet)
    report_note("{}: {} points whose solve failed were evaluated in double precision with other settings", table,
                rescued);
  if (t.failed_rows.empty()) return 0;
  constexpr std::size_t kMost = 3;
  std::string first;
  for (std::size_t i = 0; i < std::min(kMost, t.failed_rows.size()); ++i)
    first += fmt::format("{}row {}: {}", i ? "; " : "", t.failed_rows[i] + 1, t.failed_reasons[i]);
  report_line(fmt::format("pathline: {}: {} of {} log-densities are NaN, because their solves failed: {}{}", table,
                          t.failed_rows.size(), t.rows, first, t.failed_rows.size() > kMost ? "; ..." : ""));
  return 1;
}

// Log-densities with error bars, by the model in float or double, and again in double where --max-error requires it.
template <class S> class BarredDensity {
 public:
  BarredDensity(const DensityFlags& f, const Flow<S>& flow, const IntegratedDensity<S>& density,
                const EvaluationOptions& options, bool integrated)
      : flags_(f), flow_(flow), density_(density) {
    if (wanted() && f.time)
      throw InputError(
          fmt::format("{}: has no error bar for the density at a time before the end, --time", f.max_error ? "--max-error" : "--error"));
    if (wanted() && integrated)
      throw InputError(fmt::format("{}: has no error bar for columns that are integrated out, or are discrete",
                                   f.max_error ? "--max-error" : "--error"));
    if (!f.max_error) return;
    require(*f.max_error > 0 && std::isfinite(*f.max_error), "--max-error", *f.max_error, "> 0");
    if (options.trace.kind != TraceKind::exact)
      throw InputError("--max-error needs --trace exact: more --probes narrow the bars of --trace hutchinson");
    if constexpr (std::is_same_v<S, float>) wide_ = read_model<double>(model_file(f.model)).flow;
  }
  bool wanted() const { return flags_.error || flags_.max_error; }

  // Where a solve fails, every point is evaluated alone: its bar is then that of its own solve and the difference of
  // the two, and infinite if that one fails too.
  LogProbOfRows operator()(const Matrix<double>& x, const Matrix<double>& c, const EvaluationOptions& options,
                           const std::string& table, Index before) const {
    try {
      const auto got = bars(x, c, options);
      return {got.log_prob, got.nfe, {}, got.error};
    } catch (const InputError& error) {
      throw InputError(in_table(table, before, x.cols(), error.what()));
    } catch (const NumericalError&) {
    }
    auto out = log_prob_of_rows(density_, x, c, options, table, before);
    out.error = RowVector<double>::Constant(x.cols(), std::numeric_limits<double>::infinity());
    auto alone = options;
    alone.tile = 1;
    for (Index i = 0; i < x.cols(); ++i) {
      alone.first = options.first + i;
      try {
        const auto one = bars(x.col(i), c.rows() > 0 ? Matrix<double>(c.col(i)) : Matrix<double>(0, 0), alone);
        if (!std::isnan(out.log_prob[i])) out.error[i] = one.error[0] + std::abs(one.log_prob[0] - out.log_prob[i]);
      } catch (const NumericalError&) {
      }
    }
    return out;
  }

  void count(const RowVector<double>& error) {
    for (double e : error) {
      ++points_;
      if (flags_.max_error && !(e <= *flags_.max_error)) ++above_, largest_ = std::max(largest_, e);
    }
  }
  // The exit code: 1 if a bar is above --max-error.
  int finish(const std::string& table) const {
    if (above_ == 0) return 0;
    report_warning("{}: {} of {} points have an error bar above --max-error {:g}, even in double; the largest is {:.1e} nats",
                   table, above_, points_, *flags_.max_error, largest_);
    return 1;
  }

 private:
  BarredLogProb bars(const Matrix<double>& x, const Matrix<double>& c, const EvaluationOptions& options) const {
    if (!flags_.max_error) return log_prob_with_error(flow_, x, c, options);
    if constexpr (std::is_same_v<S, float>)
      return log_prob_within(*flags_.max_error, *wide_, &flow_, x, c, options);
    else
      return log_prob_within(*flags_.max_error, flow_, nullptr, x, c, options);
  }

  const DensityFlags& flags_;
  const Flow<S>& flow_;
  const IntegratedDensity<S>& density_;
  std::optional<Flow<double>> wide_;
  Index points_ = 0, above_ = 0;
  double largest_ = 0;
};

void check_time(double time, double end) {
  if (!(end > 0)) throw InputError("--time: no transform of this model takes time, so it has no density before the end");
  require(time >= 0 && time <= end, "--time", time, fmt::format("in [0, {}], from the base to the data", end));
}

template <class S> int run_as(const DensityFlags& f) {
  const auto model = read_model<S>(model_file(f.model));
  warn_of_format(model.card);
  const auto& flow = model.flow;
  auto options = evaluation_options(model, f.common);
  options.seed = f.seed;
  if (f.independent) options.tile = 1;
  SecondTry second_try(f, options);
  const Matrix<double> condition =
      f.condition.empty() ? Matrix<double>(0, 0) : parse_condition(f.condition, model.card, flow.condition_dim());
  std::unique_ptr<PointSource> points;
  std::optional<Grid> grid;
  if (!f.grid.empty()) {
    if (condition.rows() != flow.condition_dim()) parse_condition(f.condition, model.card, flow.condition_dim());
    grid = Grid::parse(f.grid, column_names(model.card, flow.dim()), flow.dim());
    points = std::make_unique<GridPoints>(*grid, condition);
  } else {
    points = std::make_unique<TablePoints>(f.input, f.common, model.card, flow.dim(), condition, flow.condition_dim());
  }
  const std::vector<Index> out = grid ? grid->integrated() : std::vector<Index>{};
  if (f.time) refuse_ensemble(flow, "--time");
  if (f.time) check_time(*f.time, flow.end_time());
  const bool on_the_way = f.time && *f.time < flow.end_time();  // before the end, no column is discrete
  const Integration integration{
      .out = out, .discrete = on_the_way ? std::vector<Index>() : discrete_columns(model.card, out), .time = f.time};
  const IntegratedDensity<S> density(flow, integration, condition, options);
  BarredDensity<S> barred(f, flow, density, options, !integration.empty());
  DensityOutput output(f, model.card, grid, flow.dim(), flow.condition_dim());
  Totals totals;
  if (!integration.empty()) totals.without_error = "not estimated for integrals";
  if (f.time) totals.without_error = "not estimated for the density on the way";
  ConditionCheck conditions(model.card);
  Matrix<double> x, c;
  const std::string table = grid ? "--grid=" + f.grid : f.input == "-" ? "standard input" : f.input;
  ProgressLine progress(f.common.quiet || (f.output.empty() && !f.summary), "points", points->rows().value_or(0));
  PartSize part;
  for (Index done = 0; points->read(x, c, part.next()); done += x.cols()) {
    options.first = done;
    auto got =
        barred.wanted() ? barred(x, c, options, table, done) : log_prob_of_rows(density, x, c, options, table, done);
    if (!got.failed.empty() && integration.empty()) second_try(x, c, got);
    barred.count(got.error);
    output.append(x, c, got);
    totals.add(x, c, got, on_the_way ? RowVector<double>() : points->known(), options.tile);
    if (c.rows() > 0) conditions.add(c);
    progress(done + x.cols());
  }
  points->finish();
  if (totals.rows == 0) throw InputError(table + ": no rows");
  if (auto* file = output.file()) {
    file->set_attribute("model", f.model), file->set_attribute("digest", model.card.digest);
    write_solve(*file, options, std::is_same_v<S, float> ? "float" : "double");
    if (f.time) file->set_attribute("time", *f.time);
    file->set_attribute("nfe", totals.nfe.value());
    if (grid) write_grid(*file, *grid);
    if (!totals.failed_rows.empty()) {
      file->write_values<std::int64_t>("failed_rows", {std::ssize(totals.failed_rows)}, totals.failed_rows.data());
      file->write_strings("failed_reasons", totals.failed_reasons);
    }
  }
  output.commit();
  conditions.warn();
  if (!integration.discrete.empty() && !f.common.quiet)
    report_note("{}: the log-densities contain the probabilities of its integers",
                fmt::join(model.card.discrete, ", "));
  const int code = std::max(report_failed(totals, second_try.rescued(), table, f.common.quiet), barred.finish(table));
  if (totals.nll.n == 0) return code;
  if (!grid && !on_the_way) warn_of_far_points(flow, model.card, totals);
  if (f.summary)
    print_summary(f, flow, totals, grid, options);
  else if (options.solver.steps > 0 && !f.max_error && !f.time)
    warn_of_error(f, totals, options);
  return code;
}

int run(const DensityFlags& f) {
  f.common.check();
  if (f.input.empty() == f.grid.empty()) throw InputError("density: expected either an INPUT or --grid");
  if (!f.output.empty()) {
    if (writable_table_format(f.output) == TableFormat::hdf5) require_hdf5_file(f.output, "log-densities");
    require_another_file(f.output, {{model_file(f.model), "the model"}, {f.input, "the input"}});
  }
  return is_double(read_card(model_file(f.model)), f.common) ? run_as<double>(f) : run_as<float>(f);
}

}  // namespace

void add_density_command(Command app, Action& chosen) {
  auto f = std::make_shared<DensityFlags>();
  auto c = app.add_command(
      "density", "Evaluate the log-density of each row of a table, in nats; print one per line or write a file");
  c.footer(
      "Examples:\n"
      "  pathline density models/geyser.h5 datasets/geyser.csv --error\n"
      "  pathline density models/geyser.h5 datasets/geyser.csv --summary\n"
      "  pathline density models/geyser.h5 datasets/geyser.csv --max-error 1e-3\n"
      "  pathline density models/moons.h5 --grid=-4:4:200 -o grid.h5\n"
      "  pathline density models/moons.h5 --grid x1=-4:4:200 -o marginal.h5\n"
      "  pathline density models/moons.h5 --grid=-4:4:200 --time 0.5 -o halfway.h5\n"
      "  echo 0.5,1 | pathline density models/moons.h5 -");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("INPUT", f->input, "FILE.csv, FILE.npy, FILE.h5:dataset, or - for CSV on standard input");
  c.add_option("--grid", f->grid,
               "evaluate at cell centres: LOW:HIGH:N for all columns, or one per column separated by commas, or by "
               "name: x=-4:4:200,y=0.5 at one value of y; columns that are not named are integrated out");
  c.add_option("-o,--output", f->output, "write FILE.csv, FILE.npy or FILE.h5 instead of printing");
  c.add_flag("--summary", f->summary,
             "print the mean NLL, its standard error, NFE, and the error of the log-densities");
  c.add_flag("--independent", f->independent,
             "solve every point alone, so that its log-density has the same bits whatever points stand beside it, at "
             "several times the cost");
  c.add_flag("--error", f->error,
             "follow each log-density by a bar on its error: of the solver, of Hutchinson's probes, of rounding; costs "
             "0.8 times the density again");
  c.add_option("--max-error", f->max_error,
               "evaluate a point again, more tightly and then in double, until its bar is below this many nats");
  c.add_option(
      "--time", f->time,
      "evaluate the density on the way at this time of the flow, from 0, the base, to its end, the data; exact "
      "up to the solver's tolerance");
  c.add_option("--condition", f->condition, "values of the condition for all points: 0.5,1.2, or mass=91.2 by name");
  c.add_option("--seed", f->seed, "seed of Hutchinson's probes").show_default();
  f->common.add_table_to(c);
  f->common.add_solve_to(c);
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
