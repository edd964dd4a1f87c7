#include <algorithm>
#include <memory>
#include <optional>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/barred_density.hpp"
#include "app/column_names.hpp"
#include "app/command.hpp"
#include "app/condition.hpp"
#include "app/density_flags.hpp"
#include "app/density_output.hpp"
#include "app/density_totals.hpp"
#include "app/grid.hpp"
#include "app/integrated_density.hpp"
#include "app/output.hpp"
#include "app/part_size.hpp"
#include "app/point_source.hpp"
#include "app/progress_line.hpp"
#include "app/report.hpp"
#include "app/row_densities.hpp"
#include "app/second_try.hpp"
#include "core/option_check.hpp"
#include "io/text_stream.hpp"
#include "pathline/core/error.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/io/table.hpp"

namespace pathline {
namespace {

void check_time(double time, double end) {
  if (!(end > 0)) throw InputError("--time: no transform of this model takes time, so it has no density before the end");
  require(time >= 0 && time <= end, "--time", time, fmt::format("in [0, {}], from the base to the data", end));
}

// Writes which model gave the log-densities, and how.
void describe(Hdf5File& file, const DensityFlags& f, const ModelCard& card, const EvaluationOptions& options,
              const char* precision) {
  file.set_attribute("model", f.model), file.set_attribute("digest", card.digest);
  write_solve(file, options, precision);
  if (f.time) file.set_attribute("time", *f.time);
}

// Writes the number of evaluations, the axes of a grid, and which rows failed.
void add_totals(Hdf5File& file, const std::optional<Grid>& grid, const DensityTotals& totals) {
  file.set_attribute("nfe", totals.nfe.value());
  if (grid) write_grid(file, *grid);
  if (totals.failed_rows.empty()) return;
  file.write_values<std::int64_t>("failed_rows", {std::ssize(totals.failed_rows)}, totals.failed_rows.data());
  file.write_strings("failed_reasons", totals.failed_reasons);
}

template <class S> std::unique_ptr<PointSource> points_of(const DensityFlags& f, const Model<S>& model,
                                                          const std::optional<Grid>& grid,
                                                          const Matrix<double>& condition) {
  const Index dim = model.flow.dim(), condition_dim = model.flow.condition_dim();
  if (!grid) return std::make_unique<TablePoints>(f.input, f.common, model.card, dim, condition, condition_dim);
  if (condition.rows() != condition_dim) parse_condition(f.condition, model.card, condition_dim);  // throws
  return std::make_unique<GridPoints>(*grid, condition);
}

// Prints the summary or the warnings about the log-densities. before_end: they are those at a time before the end.
template <class S> void report_totals(const DensityFlags& f, const Model<S>& model, const DensityTotals& totals,
                                      const std::optional<Grid>& grid, const EvaluationOptions& options,
                                      bool before_end) {
  warn_of_unresolved(totals);
  if (totals.nll.n == 0) return;
  if (!grid && !before_end) warn_of_far_points(model.flow, model.card, totals);
  if (f.summary)
    print_summary(f, model.flow, totals, grid, options);
  else if (!f.max_error && !f.time)
    warn_of_error(f, model.card, totals, options);
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
  std::optional<Grid> grid;
  if (!f.grid.empty()) grid = Grid::parse(f.grid, column_names(model.card, flow.dim()), flow.dim());
  const auto points = points_of(f, model, grid, condition);
  const std::vector<Index> out = grid ? grid->integrated() : std::vector<Index>{};
  if (f.time) refuse_ensemble(flow, "--time");
  if (f.time) check_time(*f.time, flow.end_time());
  const bool before_end = f.time && *f.time < flow.end_time();  // before the end, no column is discrete
  const Integration integration{
      .out = out, .discrete = before_end ? std::vector<Index>() : discrete_columns(model.card, out), .time = f.time};
  const IntegratedDensity<S> density(flow, integration, condition, options);
  BarredDensity<S> barred(f, flow, density, options, !integration.empty());
  DensityOutput output(f, model.card, grid, flow.dim(), flow.condition_dim());
  DensityTotals totals;
  if (!integration.empty()) totals.without_error = "not estimated for integrals";
  if (f.time) totals.without_error = "not estimated for the density at a time, --time";
  ConditionCheck conditions(model.card);
  Matrix<double> x, c;
  const std::string table = grid ? "--grid=" + f.grid : is_standard_input(f.input) ? "standard input" : f.input;
  ProgressLine progress(f.common.quiet || (f.output.empty() && !f.summary), "points", points->rows().value_or(0));
  PartSize part;
  for (Index done = 0; points->read(x, c, part.next()); done += x.cols()) {
    options.first = done;
    auto got =
        barred.wanted() ? barred(x, c, options, table, done) : log_prob_of_rows(density, x, c, options, table, done);
    if (!got.failed.empty() && integration.empty()) second_try(x, c, got);
    barred.count(got.error);
    output.append(x, c, got);
    totals.add(x, c, got, before_end ? RowVector<double>() : points->known(), options.tile);
    if (c.rows() > 0) conditions.add(c);
    progress(done + x.cols());
  }
  points->finish();
  if (totals.rows == 0) throw InputError(table + ": no rows");
  if (auto* file = output.file()) {
    describe(*file, f, model.card, options, std::is_same_v<S, float> ? "float" : "double");
    add_totals(*file, grid, totals);
  }
  output.commit();
  conditions.warn();
  if (!integration.discrete.empty() && !f.common.quiet)
    report_note("{}: the log-densities contain the probabilities of its integers",
                fmt::join(model.card.discrete, ", "));
  const int code = std::max(report_failed(totals, second_try.rescued(), table, f.common.quiet), barred.finish(table));
  report_totals(f, model, totals, grid, options, before_end);
  return code;
}

int run(const DensityFlags& f) {
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
             "solve every point alone, so that its log-density does not depend on the other points, not even in its last "
             "bits; takes several times as long");
  c.add_flag("--error", f->error,
             "write an error bar after each log-density, for the errors of the solver, of Hutchinson's probes and of "
             "rounding; takes 0.8 times as long again");
  c.add_option("--max-error", f->max_error,
               "evaluate a point again, with smaller tolerances and then in double, until its error bar is below this "
               "many nats");
  c.add_option(
      "--time", f->time,
      "evaluate the density at this time of the flow, from 0 (the base) to its end (the data); exact up to the "
      "tolerance of the solver");
  c.add_option("--condition", f->condition, "values of the condition for all points: 0.5,1.2, or mass=91.2 by name");
  c.add_option("--seed", f->seed, "seed of Hutchinson's probes").show_default();
  f->common.add_table_to(c);
  f->common.add_solve_to(c);
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
