#include <fmt/format.h>

#include "app/command.hpp"
#include "app/condition.hpp"
#include "app/integrated_density.hpp"
#include "app/output.hpp"
#include "app/part_size.hpp"
#include "app/progress_line.hpp"
#include "core/option_check.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/table.hpp"

namespace pathline {
namespace {

struct SampleFlags {
  std::string model, output, condition, conditions;
  Index count = 10000, trajectory = 0, per_row = 1;
  std::uint64_t seed = 0;
  bool log_density = false;
  CommonFlags common;
  Command command;  // tells which options were given
};

std::vector<double> path_times(Index count, double end) {
  std::vector<double> times;
  for (Index k = 0; k < count; ++k)
    times.push_back(k + 1 == count ? end : end * static_cast<double>(k) / static_cast<double>(count - 1));
  return times;
}

// Writes the samples: to HDF5 with `samples`, `log_density`, `trajectory` and, for a table of conditions, `condition`;
// or to a table with the columns of the model, the conditions of a table, and log_density.
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

  void append(Index first, const Samples<double>& drawn, ConstMatrixRef<double> c,
              const std::vector<Matrix<double>>& along) {
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
    for (Index k = 0; k < flags_.trajectory; ++k)
      trajectory_->write_block<double>({k, first, 0}, {1, n, d}, along[static_cast<std::size_t>(k)].data());
  }

  Hdf5File* file() { return file_.get(); }
  void commit() {
    samples_.reset(), density_.reset(), trajectory_.reset(), condition_.reset();
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
  }

  void create_table(const ModelCard& card, Index d) {
    auto columns = card.columns;
    for (Index i = std::ssize(columns); i < d; ++i) columns.push_back(fmt::format("x{}", i + 1));
    for (Index i = 0; i < condition_dim_; ++i)
      columns.push_back(i < std::ssize(card.condition_columns) ? card.condition_columns[static_cast<std::size_t>(i)]
                                                               : fmt::format("c{}", i + 1));
    if (flags_.log_density) columns.push_back("log_density");
    table_ = TableWriter::create(flags_.output, columns, std::ssize(columns));
  }

  const SampleFlags& flags_;
  Index condition_dim_;
  std::unique_ptr<Hdf5File> file_;
  std::optional<Hdf5Dataset> samples_, density_, trajectory_, condition_;
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
  f.count = all.cols() * f.per_row;
  return {std::move(all), f.per_row};
}

template <class S> int run_as(SampleFlags f) {
  const auto model = read_model<S>(model_file(f.model));
  warn_of_format(model.card);
  const auto& flow = model.flow;
  auto options = evaluation_options(model.card, f.common);
  options.density = f.log_density;
  options.seed = f.seed;
  const auto conditions = draw_conditions(f, model.card, flow.condition_dim());
  ConditionCheck check(model.card);
  check.add(conditions.all());
  SampleOutput output(f, model.card, flow.dim(), flow.condition_dim(), flow.end_time());
  const auto times = output.times(flow.end_time());
  // A discrete column has its integer, and the log-density its probability.
  const Integration cells{.out = {}, .discrete = discrete_columns(model.card)};
  const IntegratedDensity<S> masses(flow, cells, Matrix<double>(0, 0), options);
  double evaluations = 0;
  ProgressLine progress(f.common.quiet, "samples", f.count);
  PartSize part;
  for (Index first = 0, n = 0; first < f.count; first += n) {
    n = std::min(part.next(), f.count - first);
    std::vector<Matrix<double>> along;
    options.first = first;
    const Matrix<double> c = conditions.of(first, n);
    auto drawn = flow.trajectory(flow.draw_base(n, f.seed, options.tile, first), times, along, options, c);
    for (const Index i : cells.discrete) drawn.points.row(i) = drawn.points.row(i).array().floor();
    if (f.log_density && !cells.empty()) drawn.log_prob = masses.log_prob(drawn.points, c, options).log_prob;
    output.append(first, {drawn.points, drawn.log_prob, {}, 0}, c, along);
    evaluations += drawn.nfe * static_cast<double>(n);
    progress(first + n);
  }
  if (auto* file = output.file()) {
    file->set_attribute("seed", f.seed);
    file->set_attribute("model", f.model), file->set_attribute("digest", model.card.digest);
    write_solve(*file, options, std::is_same_v<S, float> ? "float" : "double");
    file->set_attribute("nfe", f.count > 0 ? evaluations / static_cast<double>(f.count) : 0.0);
    const auto& c = conditions.all();
    if (f.conditions.empty() && c.rows() > 0)
      file->set_attribute("condition", std::vector<double>(c.data(), c.data() + c.size()));
  }
  output.commit();
  check.warn();
  return 0;
}

int run(const SampleFlags& f) {
  f.common.check();
  require(f.count >= 0, "-n", f.count, ">= 0");
  require(f.per_row >= 1, "--per-row", f.per_row, ">= 1");
  require(f.trajectory == 0 || f.trajectory >= 2, "--trajectory", f.trajectory,
          ">= 2: times from the base to the data, both included");
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
      "  pathline sample runs/moons -n 1000000 -o samples.h5 --log-density\n"
      "  pathline sample moons.h5 -n 500 -o paths.h5 --trajectory 20\n"
      "  pathline sample runs/given --conditions masses.csv --per-row 10 -o draws.csv");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("-n,--count", f->count, "samples").show_default();
  c.add_option("-o,--output", f->output, "FILE.h5, FILE.csv or FILE.npy").required();
  c.add_option(
       "--seed", f->seed,
       "seed of the draws; the same seed and options give the same samples (--log-density changes them by about the "
       "tolerance)")
      .show_default();
  c.add_flag("--log-density", f->log_density, "also write the log-density of each sample, in nats");
  c.add_option("--trajectory", f->trajectory,
               "also write the samples at K evenly spaced times from the base to the data");
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
