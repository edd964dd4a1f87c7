#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "app/coarse_solver.hpp"
#include "app/column_names.hpp"
#include "app/command.hpp"
#include "app/condition.hpp"
#include "app/integrated_density.hpp"
#include "app/mean_nfe.hpp"
#include "app/output.hpp"
#include "app/part_size.hpp"
#include "app/progress_line.hpp"
#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/flow/path.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/table.hpp"

namespace pathline {
namespace {

constexpr Index kLeastPart = EvaluationOptions{}.tile;

struct SampleFlags {
  std::string model, output, condition, conditions;
  Index count = 10000, trajectory = 0, per_row = 1;
  std::uint64_t seed = 0;
  bool log_density = false, adjoint = false;
  bool along = false;  // whether the log-density and the trace are written along the trajectories
  CommonFlags common;
  Command command;  // tells which options were given
};

std::vector<double> path_times(Index count, double end) {
  std::vector<double> times;
  for (Index k = 0; k < count; ++k)
    times.push_back(k + 1 == count ? end : end * static_cast<double>(k) / static_cast<double>(count - 1));
  return times;
}

// A part of the draws, with the quantities along their trajectories that the options ask for.
struct DrawnPart {
  Matrix<double> points;       // d x n
  RowVector<double> log_prob;  // 1 x n
  std::vector<Matrix<double>> along;
  Matrix<double> log_prob_along, trace_along;  // K x n; no rows where they are not asked for
  std::vector<Matrix<double>> adjoint_along;
  double nfe = 0;
};

// Writes the samples: to HDF5 with `samples`, `log_density`, `trajectory` and, for a table of conditions, `condition`;
// or to a table with the columns of the model, the conditions of a table, and log_density. What belongs to a trajectory
// is in `trajectory_log_density`, `trajectory_trace` and `trajectory_adjoint`.
class SampleOutput {
 public:
  SampleOutput(const SampleFlags& f, const ModelCard& card, Index dim, Index condition_dim, double end_time)
      : flags_(f), condition_dim_(f.conditions.empty() ? 0 : condition_dim) {
    if (table_format(f.output) == TableFormat::hdf5)
      create_file(card, dim, end_time);
    else
      create_table(card, dim);
  }

  std::vector<double> times(double end) const { return path_times(flags_.trajectory, end); }

  void append(Index first, const DrawnPart& drawn, ConstMatrixRef<double> c) {
    const Index n = drawn.points.cols(), d = drawn.points.rows();
    if (table_) {
      Matrix<double> rows(d + condition_dim_ + flags_.log_density, n);
      rows.topRows(d) = drawn.points;
      if (condition_dim_ > 0) rows.middleRows(d, condition_dim_) = c;
      if (flags_.log_density) rows.bottomRows(1) = drawn.log_prob;
      table_->append(rows);
      return;
    }
    samples_->append(drawn.points);
    if (condition_) condition_->append(c);
    if (density_) density_->append(Matrix<double>(drawn.log_prob));
    for (Index k = 0; k < flags_.trajectory; ++k) {
      const auto at = static_cast<std::size_t>(k);
      trajectory_->write_block<double>({k, first, 0}, {1, n, d}, drawn.along[at].data());
      if (adjoint_) adjoint_->write_block<double>({k, first, 0}, {1, n, d}, drawn.adjoint_along[at].data());
      if (!trace_) continue;
      const RowVector<double> l = drawn.log_prob_along.row(k), trace = drawn.trace_along.row(k);
      log_prob_->write_block<double>({k, first}, {1, n}, l.data());
      trace_->write_block<double>({k, first}, {1, n}, trace.data());
    }
  }

  Hdf5File* file() { return file_.get(); }
  void commit() {
    samples_.reset(), density_.reset(), trajectory_.reset(), condition_.reset();
    log_prob_.reset(), trace_.reset(), adjoint_.reset();
    if (file_) file_->commit();
    if (table_) table_->commit();
  }

 private:
  void create_file(const ModelCard& card, Index d, double end_time) {
    file_ = std::make_unique<Hdf5File>(Hdf5File::create(flags_.output));
    samples_ = file_->create_extendible<double>("samples", {d});
    if (!card.columns.empty()) samples_->set_attribute("columns", card.columns);
    if (condition_dim_ > 0) {
      condition_ = file_->create_extendible<double>("condition", {condition_dim_});
      if (!card.condition_columns.empty()) condition_->set_attribute("columns", card.condition_columns);
    }
    if (flags_.log_density) density_ = file_->create_extendible<double>("log_density", {});
    if (flags_.trajectory == 0) return;
    trajectory_ = file_->create_dataset<double>("trajectory", {flags_.trajectory, flags_.count, d});
    file_->write_values<double>("time", {flags_.trajectory}, times(end_time).data());
    if (flags_.along) {
      log_prob_ = file_->create_dataset<double>("trajectory_log_density", {flags_.trajectory, flags_.count});
      trace_ = file_->create_dataset<double>("trajectory_trace", {flags_.trajectory, flags_.count});
    }
    if (flags_.adjoint)
      adjoint_ = file_->create_dataset<double>("trajectory_adjoint", {flags_.trajectory, flags_.count, d});
  }

  void create_table(const ModelCard& card, Index d) {
    auto columns = column_names(card, d);
    for (Index i = 0; i < condition_dim_; ++i)
      columns.push_back(i < std::ssize(card.condition_columns) ? card.condition_columns[static_cast<std::size_t>(i)]
                                                               : fmt::format("c{}", i + 1));
    if (flags_.log_density) columns.push_back("log_density");
    table_ = TableWriter::create(flags_.output, columns, std::ssize(columns));
  }

  const SampleFlags& flags_;
  Index condition_dim_;
  std::unique_ptr<Hdf5File> file_;
  std::optional<Hdf5Dataset> samples_, density_, trajectory_, condition_, log_prob_, trace_, adjoint_;
  std::unique_ptr<TableWriter> table_;
};

// The condition of each draw: one for all draws, or the rows of a table, with per_row draws for each row in turn.
class DrawConditions {
 public:
  DrawConditions(Matrix<double> all, Index per_row) : all_(std::move(all)), per_row_(per_row) {}
  const Matrix<double>& all() const { return all_; }
  Matrix<double> of(Index first, Index n) const {
    if (all_.cols() <= 1) return all_.replicate(1, all_.rows() > 0 ? n : 1);
    Matrix<double> out(all_.rows(), n);
    for (Index k = 0; k < n; ++k) out.col(k) = all_.col((first + k) / per_row_);
    return out;
  }

 private:
  Matrix<double> all_;
  Index per_row_;
};

DrawConditions draw_conditions(SampleFlags& f, const ModelCard& card, Index condition_dim) {
  if (f.conditions.empty()) return {parse_condition(f.condition, card, condition_dim), 1};
  auto all = read_conditions(f.conditions, card, condition_dim, f.common);
  require(all.cols() <= std::numeric_limits<Index>::max() / f.per_row, "--per-row", f.per_row,
          fmt::format("smaller for the {} rows of --conditions", all.cols()));
  f.count = all.cols() * f.per_row;
  return {std::move(all), f.per_row};
}

// Draws first ... first + n - 1. If more than the states is wanted along the trajectories, one solve gives everything.
template <class S> DrawnPart draw(const SampleFlags& f, const Flow<S>& flow, const std::vector<double>& times, Index n,
                                  const EvaluationOptions& options, const Matrix<double>& c) {
  DrawnPart out;
  if (f.trajectory == 0) {
    auto drawn = flow.sample(n, f.seed, options, c);
    out.points = std::move(drawn.points), out.log_prob = std::move(drawn.log_prob), out.nfe = drawn.nfe;
    return out;
  }
  const auto z0 = flow.draw_base(n, f.seed, options.tile, options.first, c);
  if (f.along || f.adjoint) {
    auto paths = follow_paths(flow, z0, times, f.adjoint, options, c);
    out.points = paths.points.back(), out.log_prob = paths.log_prob.bottomRows(1), out.nfe = paths.nfe;
    out.along = std::move(paths.points), out.adjoint_along = std::move(paths.adjoint);
    out.log_prob_along = std::move(paths.log_prob), out.trace_along = std::move(paths.trace);
  } else {
    auto drawn = flow.trajectory(z0, times, out.along, options, c);
    out.points = std::move(drawn.points), out.log_prob = std::move(drawn.log_prob), out.nfe = drawn.nfe;
  }
  return out;
}

// With periodic columns a density is a sum over the paths of all images, not a value along one path.
void choose_along(SampleFlags& f, bool periodic) {
  f.along = f.trajectory > 0 && f.log_density && !periodic;
  if (!periodic || f.trajectory == 0) return;
  if (f.adjoint) throw InputError("--adjoint: the model has periodic columns, whose density is a sum over paths");
  if (f.log_density)
    f.common.note(
        "the log-density and the trace are not written along the trajectories: with periodic columns the "
        "density is a sum over paths");
}

// Throws InputError for more draws or times than the disk or the memory can hold.
void check_size(const SampleFlags& f, Index dim, Index condition_dim) {
  const auto draws = static_cast<double>(f.count), d = static_cast<double>(dim);
  const double at_a_time = f.trajectory > 0 ? d * (1 + f.adjoint) + (f.along ? 2 : 0) : 0;
  const double of_paths = at_a_time * static_cast<double>(f.trajectory);
  const double of_a_draw = d + (f.conditions.empty() ? 0 : static_cast<double>(condition_dim)) + f.log_density;
  const std::string count = f.conditions.empty() ? "-n" : "--per-row";
  require_memory("--trajectory", f.trajectory, sizeof(double) * of_paths * kLeastPart);
  require_room(count, f.conditions.empty() ? f.count : f.per_row, f.output, sizeof(double) * of_a_draw * draws);
  require_room("--trajectory", f.trajectory, f.output, sizeof(double) * (of_paths + of_a_draw) * draws);
}

// The number of draws of which the trajectories are in memory together: a multiple of the tile.
Index most_at_once(const SampleFlags& f, Index dim) {
  constexpr Index kNumbers = 1 << 24;
  const Index of_a_draw = std::max<Index>(f.trajectory * (2 * dim + 2), 1);
  return std::max<Index>(kNumbers / of_a_draw / kLeastPart, 1) * kLeastPart;
}

template <class S> int run_as(SampleFlags f) {
  const auto model = read_model<S>(model_file(f.model));
  warn_of_format(model.card);
  const auto& flow = model.flow;
  if (f.trajectory > 0) refuse_ensemble(flow, "--trajectory");
  choose_along(f, flow.periods() != nullptr);
  auto options = evaluation_options(model, f.common);
  options.density = f.log_density;
  options.seed = f.seed;
  warn_of_coarse_solver(flow, model.card, options);
  const auto conditions = draw_conditions(f, model.card, flow.condition_dim());
  ConditionCheck check(model.card);
  check.add(conditions.all());
  check_size(f, flow.dim(), flow.condition_dim());
  SampleOutput output(f, model.card, flow.dim(), flow.condition_dim(), flow.end_time());
  const auto times = output.times(flow.end_time());
  // A discrete column gets its integer, and the log-density becomes the logarithm of a probability.
  const Integration cells{.out = {}, .discrete = discrete_columns(model.card)};
  const IntegratedDensity<S> masses(flow, cells, Matrix<double>(0, 0), options);
  MeanNfe nfe;
  ProgressLine progress(f.common.quiet, "samples", f.count);
  PartSize part;
  for (Index first = 0, n = 0; first < f.count; first += n) {
    n = std::min({part.next(), most_at_once(f, flow.dim()), f.count - first});
    options.first = first;
    const Matrix<double> c = conditions.of(first, n);
    auto drawn = draw(f, flow, times, n, options, c);
    for (const Index i : cells.discrete) drawn.points.row(i) = drawn.points.row(i).array().floor();
    if (f.log_density && !cells.empty()) drawn.log_prob = masses.log_prob(drawn.points, c, options).log_prob;
    output.append(first, drawn, c);
    nfe.add(drawn.nfe, n, options.tile);
    progress(first + n);
  }
  if (auto* file = output.file()) {
    file->set_attribute("seed", f.seed);
    file->set_attribute("model", f.model), file->set_attribute("digest", model.card.digest);
    write_solve(*file, options, std::is_same_v<S, float> ? "float" : "double");
    file->set_attribute("nfe", nfe.value());
    const auto& c = conditions.all();
    if (f.conditions.empty() && c.rows() > 0)
      file->set_attribute("condition", std::vector<double>(c.data(), c.data() + c.size()));
  }
  output.commit();
  check.warn();
  return 0;
}

int run(const SampleFlags& f) {
  require(f.count >= 0, "-n", f.count, ">= 0");
  require(f.per_row >= 1, "--per-row", f.per_row, ">= 1");
  require(f.trajectory == 0 || f.trajectory >= 2, "--trajectory", f.trajectory,
          ">= 2: times from the base to the data, both included");
  if (f.adjoint && f.trajectory == 0)
    throw InputError("--adjoint needs --trajectory K, the times that it is written at");
  if (!f.conditions.empty())
    refuse_ignored(f.command, {"--count", "--condition"}, "cannot be used with --conditions; use --per-row");
  else
    refuse_ignored(f.command, {"--per-row", "--header", "--drop-missing"}, "applies only to --conditions");
  if (writable_table_format(f.output) == TableFormat::hdf5 || f.trajectory > 0)
    require_hdf5_file(f.output, f.trajectory > 0 ? "trajectories" : "samples");
  require_another_file(f.output, {{model_file(f.model), "the model"}, {f.conditions, "the table of conditions"}});
  return is_double(read_card(model_file(f.model)), f.common) ? run_as<double>(f) : run_as<float>(f);
}

}  // namespace

void add_sample_command(Command app, Action& chosen) {
  auto f = std::make_shared<SampleFlags>();
  auto c = app.add_command(
      "sample",
      "Draw samples into HDF5 (samples N x d, optionally log_density N and trajectory K x N x d), CSV or NPY");
  c.footer(
      "Examples:\n"
      "  pathline sample models/moons.h5 -n 20000 -o samples.h5 --log-density\n"
      "  pathline sample models/moons.h5 -n 500 -o paths.h5 --trajectory 20 --log-density --adjoint\n"
      "  pathline sample models/posterior.h5 --condition x1=0.5 -n 1000 -o given.csv\n"
      "  pathline data sample moons -n 20 -o rows.csv    # x1 of its rows are conditions here:\n"
      "  pathline sample models/posterior.h5 --conditions rows.csv --per-row 10 -o draws.csv");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("-n,--count", f->count, "samples").show_default();
  c.add_option("-o,--output", f->output, "FILE.h5, FILE.csv or FILE.npy").required();
  c.add_option(
       "--seed", f->seed,
       "seed of the draws; the same seed and options give the same samples (--log-density changes them by about the "
       "tolerance)")
      .show_default();
  c.add_flag(
      "--log-density", f->log_density,
      "also write the log-density of each sample, in nats; with --trajectory also log p_t(z(t)) and the trace of "
      "df/dz along each path (trajectory_log_density, trajectory_trace: K x N)");
  c.add_option("--trajectory", f->trajectory,
               "also write the samples at K evenly spaced times from the base to the data");
  c.add_flag("--adjoint", f->adjoint,
             "also write the adjoint a(t) = d log p / dz(t) along each path, which is the score of the density at "
             "that time (trajectory_adjoint: K x N x d)");
  c.add_option("--condition", f->condition, "values of the condition: 0.5,1.2, or mass=91.2 by name");
  c.add_option("--conditions", f->conditions, "table with a condition in each row; its columns are found by name");
  c.add_option("--per-row", f->per_row, "draws for each row of --conditions").show_default();
  f->common.add_table_to(c);
  f->common.add_solve_to(c);
  f->common.add_to(c);
  f->command = c;
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
