#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "app/command.hpp"
#include "app/command_recipe.hpp"
#include "app/minimize_flags.hpp"
#include "app/odeint_flags.hpp"
#include "app/output.hpp"
#include "app/progress_line.hpp"
#include "core/clock.hpp"
#include "core/named_value.hpp"
#include "core/option_check.hpp"
#include "pathline/app/figure.hpp"
#include "pathline/checkpoint/regression_file.hpp"
#include "pathline/train/fit_regression.hpp"

namespace pathline {
namespace {

struct FitFlags {
  std::string source, test, points, predictions, plot, output;
  std::vector<std::string> targets, inputs;
  std::string model = "neural_ode", activation = "tanh", readout = "linear", start = "uniform";
  std::vector<Index> hidden = {32};
  Index augmented = 0, blocks = 3, batch = 0, seeds = 1;
  std::uint64_t seed = 0;
  bool share_weights = false, raw = false;
  MinimizeFlags optimizer;
  OdeintFlags solve;
  CommonFlags common;
  Command command;  // tells which options were given
};

// x and y of a table, one sample a column.
struct Pairs {
  Matrix<double> x, y;
};

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The columns of the table that are not targets.
std::vector<std::string> inputs_of(const FitFlags& f) {
  if (!f.inputs.empty()) return f.inputs;
  const auto reader = TableReader::open(f.source, f.common.table_options());
  std::vector<std::string> out;
  for (Index i = 0; i < reader->dim(); ++i) {
    const auto name =
        reader->columns().empty() ? std::to_string(i + 1) : reader->columns()[static_cast<std::size_t>(i)];
    if (!contains(f.targets, name)) out.push_back(name);
  }
  if (out.empty()) throw InputError(f.source + ": every column is a target; leave at least one as an input");
  return out;
}

Pairs read_pairs(const std::string& source, const std::vector<std::string>& inputs,
                 const std::vector<std::string>& targets, const TableOptions& options) {
  std::vector<std::string> wanted = inputs;
  wanted.insert(wanted.end(), targets.begin(), targets.end());
  const auto table = read_table(source, wanted, options);
  const Index n = static_cast<Index>(inputs.size());
  return {table.values.topRows(n), table.values.bottomRows(table.values.rows() - n)};
}

RegressionSpec spec_of(const FitFlags& f, RegressorKind kind, Index inputs) {
  RegressionSpec spec{.kind = kind,
                      .augmented = f.augmented,
                      .hidden = f.hidden,
                      .activation = parse_activation(f.activation),
                      .blocks = f.blocks,
                      .share_weights = f.share_weights,
                      .solve = f.solve.options(f.common.threads)};
  spec.maps.inputs = inputs, spec.maps.outputs = static_cast<Index>(f.targets.size());
  spec.maps.readout = parse_named<RegressorOptions::Readout>("readout", f.readout, {"first", "linear"});
  return spec;
}

double mean_squared_error(const SavedRegression& model, const Pairs& pairs) {
  return (model.predict(pairs.x) - pairs.y).squaredNorm() / static_cast<double>(pairs.y.size());
}

// The result of one run with one seed.
struct Run {
  SavedRegression model;
  double points = 0, test = std::nan(""), rough = std::nan(""), seconds = 0;
};

Run train_one(const FitFlags& f, RegressorKind kind, std::uint64_t seed, const std::vector<std::string>& inputs,
              const Pairs& training, const std::optional<Pairs>& test) {
  Run run;
  auto& m = run.model;
  FitRegressionOptions options{.start = parse_named<WeightStart>("weights", f.start, {"uniform", "normal"}),
                               .standardize = !f.raw,
                               .fit = {.optimizer = f.optimizer.options(), .batch = f.batch, .seed = seed}};
  ProgressLine progress(f.common.quiet, "iterations", options.fit.optimizer.iterations);
  options.fit.optimizer.progress = [&](Index i, double) { progress(i); };
  const double begin = seconds_now();
  m = fit_regression(spec_of(f, kind, training.x.rows()), training.x, training.y, options);
  run.seconds = seconds_now() - begin;
  m.inputs = inputs, m.targets = f.targets;
  run.points = mean_squared_error(m, training);
  if (test) run.test = mean_squared_error(m, *test);
  if (training.x.rows() == 1) {
    // Second differences are sensitive to errors of the solver, because each tile has its own steps: use a fine tolerance.
    auto fine = m.spec;
    fine.solve.solver.rtol = fine.solve.solver.atol = 1e-10;
    Engine unused = make_stream(seed, "fit.weights");
    const auto curve = make_regressor<double>(fine, unused);
    curve->set_theta(m.theta);
    // The roughness of y(x) in the units of the data: two derivatives by x / x_scale.
    const auto& over = test ? test->x : training.x;
    const double low = over.minCoeff(), high = over.maxCoeff(), s = m.x_scale[0];
    for (Index i = 0; i < training.y.rows(); ++i) {
      const double part = roughness(*curve, (low - m.x_mean[0]) / s, (high - m.x_mean[0]) / s, i);
      run.rough = (i == 0 ? 0 : run.rough) + part * std::pow(m.y_scale[i], 2) / std::pow(s, 3);
    }
  }
  return run;
}

// "1.2e-05 +- 3e-06": mean and standard deviation over the runs.
template <class Get> std::string spread(const std::vector<Run>& runs, Get get) {
  double mean = 0, squares = 0;
  for (const auto& run : runs) mean += get(run) / static_cast<double>(runs.size());
  for (const auto& run : runs) squares += std::pow(get(run) - mean, 2);
  if (std::isnan(mean)) return "-";
  if (runs.size() == 1) return fmt::format("{:.4g}", mean);
  return fmt::format("{:.4g} +- {:.2g}", mean, std::sqrt(squares / static_cast<double>(runs.size() - 1)));
}

void print_runs(RegressorKind kind, const std::vector<Run>& runs) {
  fmt::print("{:<12}{:<24}{:<24}{:<24}{:<8}{:.2f}\n", to_string(kind),
             spread(runs, [](const Run& r) { return r.points; }), spread(runs, [](const Run& r) { return r.test; }),
             spread(runs, [](const Run& r) { return r.rough; }), runs.front().model.theta.size(), runs.front().seconds);
}

// The curves of every run, a colour for each model, over the points.
void draw(const FitFlags& f, const std::vector<std::vector<Run>>& all, const Pairs& training,
          const std::optional<Pairs>& test) {
  plot::Figure figure(
      {.title = "fit of " + f.targets.front(), .columns = static_cast<Index>(all.size()), .panel_size = 320});
  for (const auto& runs : all) {
    const auto& first = runs.front().model;
    const std::string title = to_string(first.spec.kind);
    if (training.x.rows() != 1) {  // predicted over observed
      const Matrix<double> predicted = first.predict(training.x);
      plot::Cloud cloud{.label = "", .points = Matrix<double>(2, predicted.cols()), .colour = {}};
      cloud.points << training.y.row(0), predicted.row(0);
      figure.scatter(title, {cloud}, {.label = "observed", .limits = {}}, {.label = "predicted", .limits = {}});
      continue;
    }
    double low = training.x.minCoeff(), high = training.x.maxCoeff();
    if (test) low = std::min(low, test->x.minCoeff()), high = std::max(high, test->x.maxCoeff());
    const RowVector<double> x = RowVector<double>::LinSpaced(300, low, high);
    std::vector<plot::Series> series;
    for (const auto& run : runs) {
      const RowVector<double> y = run.model.predict(x).row(0);
      series.push_back({.label = series.empty() ? "model" : "",
                        .x = {x.begin(), x.end()},
                        .y = {y.begin(), y.end()},
                        .colour = plot::line_colour(0)});
    }
    const RowVector<double> at = training.x.row(0), value = training.y.row(0);
    series.push_back({.label = "data",
                      .x = {at.begin(), at.end()},
                      .y = {value.begin(), value.end()},
                      .colour = plot::line_colour(1),
                      .dots = true,
                      .line = false});
    figure.lines(title, std::move(series), {.label = first.inputs.front(), .limits = {}},
                 {.label = first.targets.front(), .limits = {}});
  }
  figure.save(f.plot);
}

// x: the inputs, one point a column.
void write_predictions(const SavedRegression& model, const Matrix<double>& x, const std::string& output) {
  const Matrix<double> y = model.predict(x);
  std::vector<std::string> columns = model.inputs;
  for (const auto& name : model.targets) columns.push_back(name);
  const auto writer = TableWriter::create(output, columns, static_cast<Index>(columns.size()));
  Matrix<double> rows(x.rows() + y.rows(), y.cols());
  rows << x, y;
  writer->append(rows);
  writer->commit();
}

void note_ignored(const FitFlags& f, const std::vector<RegressorKind>& kinds) {
  const auto has = [&](RegressorKind kind) { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); };
  if (!has(RegressorKind::resnet))
    f.common.note_ignored(f.command, {"--blocks", "--share-weights"}, "the model is a Neural ODE");
  if (!has(RegressorKind::neural_ode))
    f.common.note_ignored(f.command, {"--stepper", "--rtol", "--atol", "--steps", "--adjoint"},
                          "a residual network solves no ODE");
  if (f.predictions.empty()) f.common.note_ignored(f.command, {"--points"}, "only --predictions needs them");
}

int run(const FitFlags& f) {
  if (f.targets.empty()) throw InputError("fit: expected --target, the column to predict");
  require(f.seeds >= 1, "--seeds", f.seeds, ">= 1");
  if (!f.predictions.empty()) (void)writable_table_format(f.predictions);
  if (!f.plot.empty()) plot::check_figure_name(f.plot);
  if (!f.output.empty()) require_hdf5_file(f.output, "models");
  const std::pair<const char*, std::string> outputs[] = {
      {"--predictions", f.predictions}, {"--plot", f.plot}, {"-o", f.output}};
  for (const auto& [option, out] : outputs)
    require_another_file(out, {{f.source, "the data"}, {f.test, "the test data"}, {f.points, "the points"}}, option);
  std::vector<RegressorKind> kinds;
  if (f.model == "both")
    kinds = {RegressorKind::resnet, RegressorKind::neural_ode};
  else
    kinds = {parse_regressor(f.model)};
  if (kinds.size() > 1 && !(f.output.empty() && f.predictions.empty()))
    throw InputError("--model both: has no single model to save; name one for -o or --predictions");
  note_ignored(f, kinds);
  const auto inputs = inputs_of(f);
  const auto options = f.common.table_options();
  const Pairs training = read_pairs(f.source, inputs, f.targets, options);
  std::optional<Pairs> test;
  if (!f.test.empty()) test = read_pairs(f.test, inputs, f.targets, options);
  const Matrix<double> points = f.points.empty() ? training.x : read_table(f.points, inputs, options).values;

  fmt::print("{:<12}{:<24}{:<24}{:<24}{:<8}{}\n", "model", "error on the points", "error on the test", "roughness", "P",
             "seconds");
  std::vector<std::vector<Run>> all;
  for (const auto kind : kinds) {
    std::vector<Run> runs;
    for (Index s = 0; s < f.seeds; ++s)
      runs.push_back(train_one(f, kind, f.seed + static_cast<std::uint64_t>(s), inputs, training, test));
    print_runs(kind, runs);
    all.push_back(std::move(runs));
  }
  const SavedRegression& best = all.front().front().model;
  if (!f.output.empty()) write_regression(f.output, best);
  if (!f.predictions.empty()) write_predictions(best, points, f.predictions);
  if (!f.plot.empty()) draw(f, all, training, test);
  return 0;
}

struct PredictFlags {
  std::string model, points, output;
  CommonFlags common;
};

int predict(const PredictFlags& f) {
  (void)writable_table_format(f.output);
  require_another_file(f.output, {{f.model, "the model"}, {f.points, "the points"}});
  const auto model = read_regression(f.model);
  const auto points = read_table(f.points, model.inputs, f.common.table_options(model.inputs));
  write_predictions(model, points.values, f.output);
  return 0;
}

}  // namespace

void add_fit_command(Command app, Action& chosen) {
  auto f = std::make_shared<FitFlags>();
  auto c = app.add_command("fit", "Fit y(x) by a Neural ODE or a residual network");
  c.footer(
      "Examples:\n"
      "  pathline fit datasets/cubic.csv --target y --plot fit.png\n"
      "  pathline fit examples/recipes/cubic.toml\n"
      "Errors are mean squared errors in the data's units; for one input, the roughness is the integral of the squared "
      "second derivative of y(x). With --seeds: mean and standard deviation.");
  c.add_option("SOURCE", f->source, "a table, or a recipe: a TOML file with these options").required();
  c.add_option("--target", f->targets, "columns to predict: y or y1,y2").delimiter(',');
  c.add_option("--inputs", f->inputs, "columns to predict from; default: all others").delimiter(',');
  c.add_option("-o,--output", f->output, "FILE.h5 for the model");
  c.add_option("--plot", f->plot, "FILE.png, .svg or .pdf");
  c.add_option("--test", f->test, "a table to compute the test error on");
  c.add_option("--predictions", f->predictions, "FILE.csv, .npy or .h5 for inputs and predictions");
  c.add_option("--points", f->points, "a table with the inputs of --predictions; default: SOURCE");
  c.add_option("--model", f->model, "neural_ode, resnet, or both, to compare them")
      .show_default()
      .choices({"neural_ode", "resnet", "both"});
  c.add_option("--hidden", f->hidden, "widths of the hidden layers: 20,20").delimiter(',').show_default();
  c.add_option("--activation", f->activation, fmt::format("{}", fmt::join(activation_names(), ", ")))
      .show_default()
      .choices(activation_names());
  c.add_option("--augmented", f->augmented, "further dimensions of the hidden state (Dupont et al. 2019)")
      .show_default();
  c.add_option("--blocks", f->blocks, "blocks of the residual network").show_default();
  c.add_flag("--share-weights", f->share_weights, "one network for all blocks");
  c.add_option("--readout", f->readout, "linear, or first: y is the first component of the hidden state")
      .show_default();
  c.add_option("--weights", f->start, "initial weights: uniform in +-1/sqrt(fan-in), or standard normal")
      .show_default();
  c.add_flag("--raw", f->raw, "do not standardize x and y");
  c.group("Training");
  f->optimizer.add_to(c);
  c.add_option("--batch", f->batch, "samples per iteration; 0: all").show_default();
  c.add_option("--seed", f->seed, "seed of the weights and batches").show_default();
  c.add_option("--seeds", f->seeds, "train with this many successive seeds").show_default();
  c.group("Solver");
  f->solve.add_to(c);
  f->common.add_table_to(c);
  f->common.add_to(c);
  f->command = c;
  run_if_chosen(c, chosen, f, run, [f, c] {
    if (is_command_recipe(f->source)) apply_command_recipe(c, f->source);
  });
}

void add_predict_command(Command app, Action& chosen) {
  auto f = std::make_shared<PredictFlags>();
  auto c = app.add_command("predict", "Predict with a model of `pathline fit`");
  c.footer(
      "Examples:\n"
      "  pathline fit datasets/cubic.csv --target y -o cubic.h5\n"
      "  pathline predict cubic.h5 datasets/cubic_grid.csv -o predictions.csv");
  c.add_option("MODEL", f->model, "a model file").required();
  c.add_option("POINTS", f->points, "a table with the columns of the inputs").required();
  c.add_option("-o,--output", f->output, "FILE.csv, FILE.npy or FILE.h5, with inputs and predictions").required();
  f->common.add_table_to(c);
  run_if_chosen(c, chosen, f, predict);
}

}  // namespace pathline
