#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/command.hpp"
#include "app/command_recipe.hpp"
#include "app/dynamics_report.hpp"
#include "app/minimize_flags.hpp"
#include "app/odeint_flags.hpp"
#include "app/output.hpp"
#include "app/progress_line.hpp"
#include "core/clock.hpp"
#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "pathline/app/figure.hpp"
#include "pathline/checkpoint/dynamics_file.hpp"
#include "pathline/dynamics/motion.hpp"

namespace pathline {
namespace {

struct FieldFlags {
  std::string kind = "network", activation = "tanh";
  std::vector<Index> hidden = {32, 32};
  bool time = false, zero_residual = false;
  void add_to(Command c) {
    c.add_option("--field", kind, fmt::format("{}", fmt::join(dynamics_names(), ", "))).show_default();
    c.add_option("--hidden", hidden, "widths of the hidden layers").delimiter(',').show_default();
    c.add_option("--activation", activation, fmt::format("{}", fmt::join(activation_names(), ", "))).show_default();
    c.add_flag("--depends-on-time", time, "the network sees the time, too");
    c.add_flag("--zero-residual", zero_residual, "the network of a newtonian field starts at zero, as published");
  }
  DynamicsSpec spec(Index dim) const {
    return {.kind = parse_dynamics(kind),
            .dim = dim,
            .hidden = hidden,
            .activation = parse_activation(activation),
            .time = time};
  }
};

struct DynamicsFlags {
  std::string source, test, id = "id", time = "t", output, predictions, plot;
  std::vector<std::string> state;
  std::vector<double> weights;
  Index window = 0, batch = 20;
  std::uint64_t seed = 0;
  bool train_initial = false, physics_first = false;
  FieldFlags field;
  MinimizeFlags optimizer;
  OdeintFlags solve;
  CommonFlags common;
  Command command;  // tells which options were given
};

// Prints the physical parameters: the terms of the known part, and r.
void print_parameters(const VectorField<double>& field) {
  const auto* physics = dynamic_cast<const PhysicsField<double>*>(&field);
  if (!physics) return;
  for (const auto& p : physics->parameters())
    if (!p.name.starts_with("network.")) fmt::print("  {:<10}{:.5g}\n", p.name, physics->theta()[p.offset]);
}

// Observed points and solutions: of two components in their plane, else each component over time.
void draw(const std::string& file, const VectorField<double>& field, const TrajectoryTable& data,
          const OdeintOptions& solve) {
  constexpr std::size_t kMost = 5;
  const Index d = field.dim();
  plot::Figure figure({.title = "", .columns = std::min<Index>(d == 2 ? 1 : d, 4), .panel_size = 300});
  for (Index panel = 0; panel < (d == 2 ? 1 : d); ++panel) {
    std::vector<plot::Series> series;
    plot::Series observed{
        .label = "observed", .x = {}, .y = {}, .colour = plot::line_colour(1), .dots = true, .line = false};
    for (std::size_t i = 0; i < std::min(kMost, data.list.size()); ++i) {
      const auto& t = data.list[i];
      std::vector<double> times;  // ten between two observations, so that the curve is smooth
      for (std::size_t k = 0; k + 1 < t.times.size(); ++k)
        for (int j = 0; j < 10; ++j) times.push_back(t.times[k] + (t.times[k + 1] - t.times[k]) * j / 10.0);
      times.push_back(t.times.back());
      const Matrix<double> z = odeint<double>(field, Matrix<double>(t.states.col(0)), times, solve);
      plot::Series curve{.label = i == 0 ? "model" : "", .x = {}, .y = {}, .colour = plot::line_colour(0)};
      for (Index k = 0; k < z.cols(); ++k) {
        curve.x.push_back(d == 2 ? z(0, k) : times[static_cast<std::size_t>(k)]);
        curve.y.push_back(z(d == 2 ? 1 : panel, k));
      }
      for (Index k = 0; k < t.states.cols(); ++k) {
        observed.x.push_back(d == 2 ? t.states(0, k) : t.times[static_cast<std::size_t>(k)]);
        observed.y.push_back(t.states(d == 2 ? 1 : panel, k));
      }
      series.push_back(std::move(curve));
    }
    series.push_back(std::move(observed));
    const auto name = [&](Index i) { return data.columns[static_cast<std::size_t>(i)]; };
    figure.lines("", std::move(series), {.label = d == 2 ? name(0) : "t", .limits = {}},
                 {.label = name(d == 2 ? 1 : panel), .limits = {}});
  }
  figure.save(file);
}

Vector<double> weights_of(const DynamicsFlags& f, const DynamicsSpec& spec) {
  if (!f.weights.empty()) return ConstVectorMap<double>(f.weights.data(), static_cast<Index>(f.weights.size()));
  return spec.kind == DynamicsKind::newtonian ? newtonian_loss_weights() : Vector<double>();
}

int fit(const DynamicsFlags& f) {
  if (!f.predictions.empty()) (void)writable_table_format(f.predictions);
  if (!f.plot.empty()) plot::check_figure_name(f.plot);
  if (!f.output.empty()) require_hdf5_file(f.output, "models");
  const std::pair<const char*, std::string> outputs[] = {
      {"--predictions", f.predictions}, {"--plot", f.plot}, {"-o", f.output}};
  for (const auto& [option, out] : outputs)
    require_another_file(out, {{f.source, "the data"}, {f.test, "the test data"}}, option);
  if (f.window == 0) f.common.note_ignored(f.command, {"--batch"}, "it counts windows; pass --window");
  if (parse_dynamics(f.field.kind) != DynamicsKind::newtonian)
    f.common.note_ignored(f.command, {"--zero-residual"}, "only a newtonian field has a residual");
  const auto data = read_trajectories(f.source, f.id, f.time, f.state, f.common.table_options());
  SavedDynamics model{.spec = f.field.spec(static_cast<Index>(data.columns.size())),
                      .solver = {},
                      .columns = data.columns,
                      .theta = {}};
  Engine engine = make_stream(f.seed, "dynamics.weights");
  const auto field = make_dynamics<double>(model.spec, engine, f.field.zero_residual);
  DynamicsOptions options{.solve = f.solve.options(f.common.threads),
                          .optimizer = f.optimizer.options(),
                          .weights = weights_of(f, model.spec),
                          .window = f.window,
                          .batch = f.batch,
                          .seed = f.seed,
                          .autonomous = model.spec.autonomous(),
                          .train_initial = f.train_initial};
  model.solver = options.solve.solver;
  ProgressLine progress(f.common.quiet, "iterations", options.optimizer.iterations);
  options.optimizer.progress = [&](Index i, double) { progress(i); };
  const double begin = seconds_now();
  if (f.physics_first) {
    auto* physics = dynamic_cast<PhysicsField<double>*>(field.get());
    if (!physics || physics->options().terms.empty())
      throw InputError("--physics-first: only a newtonian field has physical parameters");
    if (f.window > 0) throw InputError("--physics-first: fits whole trajectories; leave out --window");
    fit_physics_first(*physics, data.list, options);
  }
  const auto fitted = fit_dynamics<double>(*field, data.list, options);
  fmt::print("{} trajectories, {} parameters, {} iterations in {:.1f} s\n", data.list.size(), field->theta().size(),
             fitted.losses.size(), seconds_now() - begin);
  fmt::print("RMS error on the data {:.4g}\n", trajectory_error(*field, data.list, options.solve, fitted.initial));
  if (!f.test.empty()) {
    const auto test = read_trajectories(f.test, f.id, f.time, data.columns, f.common.table_options());
    fmt::print("RMS error on the test {:.4g}\n", trajectory_error(*field, test.list, options.solve));
  }
  print_parameters(*field);
  model.theta = field->theta();
  if (!f.output.empty()) write_dynamics(f.output, model);
  if (!f.predictions.empty()) write_trajectories(f.predictions, predicted(*field, data, options.solve), f.id, f.time);
  if (!f.plot.empty()) draw(f.plot, *field, data, options.solve);
  return 0;
}

struct SolveFlags {
  std::string model, source, output, id = "id", time = "t";
  double end = 0;
  Index points = 100;
  CommonFlags common;
  Command command;  // tells which options were given
};

// Solves from the first observation of each trajectory, at its own times or at equidistant times up to --end.
int solve(const SolveFlags& f) {
  (void)writable_table_format(f.output);
  require_another_file(f.output, {{f.model, "the model"}, {f.source, "the data"}});
  if (f.end == 0) f.common.note_ignored(f.command, {"--points"}, "without --end the times are those of the table");
  const auto model = read_dynamics(f.model);
  auto data = read_trajectories(f.source, f.id, f.time, model.columns, f.common.table_options());
  if (f.end != 0) {
    require(f.points >= 1, "--points", f.points, ">= 1");
    const auto numbers = static_cast<double>(data.list.size()) * static_cast<double>(data.columns.size() + 2);
    require_memory("--points", f.points, 3 * sizeof(double) * numbers * static_cast<double>(f.points));
    for (auto& t : data.list) {
      const double from = t.times.front();
      require(f.end > from && std::isfinite(f.end), "--end", f.end,
              fmt::format("finite and > {}, the first time of trajectory {}", from, t.id));
      t.times.assign(1, from);
      for (Index k = 1; k <= f.points; ++k)
        t.times.push_back(from + (f.end - from) * static_cast<double>(k) / static_cast<double>(f.points));
    }
  }
  write_trajectories(f.output, predicted(*model.field(), data, {.solver = model.solver}), f.id, f.time);
  return 0;
}

struct SimulateFlags {
  std::string name, output;
  Index count = 50, points = 20;
  double end = 1, noise = 0;
  std::uint64_t seed = 0;
  CommonFlags common;
};

int simulate(const SimulateFlags& f) {
  require_simulated(f.count, f.points);
  const auto times = equal_times(f.end, f.points);
  auto table = f.name == "spiral" ? draw_spiral(times) : draw_motion(find_motion(f.name), f.count, times, f.seed);
  add_noise(table, f.noise, f.seed);
  write_trajectories(f.output, table);
  return 0;
}

void add_fit(Command parent, Action& chosen) {
  auto f = std::make_shared<DynamicsFlags>();
  f->optimizer.iterations = 3000, f->optimizer.learning_rate = 3e-2, f->optimizer.clip = 1;
  auto c = parent.add_command("fit", "Fit dz/dt = f(z, t) to trajectories");
  c.footer(
      "Examples:\n"
      "  pathline dynamics fit datasets/spiral.csv --window 10 --iterations 500 --plot spiral.png\n"
      "  pathline dynamics fit examples/recipes/spiral.toml");
  c.add_option("SOURCE", f->source, "a table with one observation per row, or a recipe: a TOML file with these options")
      .required();
  c.add_option("--id", f->id, "column with the number of the trajectory; \"\": the table is one").show_default();
  c.add_option("--time", f->time, "column with the time").show_default();
  c.add_option("--state", f->state, "columns of the state; default: all others").delimiter(',');
  c.add_option("-o,--output", f->output, "FILE.h5 for the model");
  c.add_option("--plot", f->plot, "FILE.png, .svg or .pdf");
  c.add_option("--test", f->test, "a table of trajectories to compute the test error on");
  c.add_option("--predictions", f->predictions, "FILE.csv, .npy or .h5 for the solutions at the times of the data");
  c.group("Field");
  f->field.add_to(c);
  c.group("Training");
  f->optimizer.add_to(c);
  c.add_option("--loss-weights", f->weights, "weight of each component's squared error").delimiter(',');
  c.add_option("--window", f->window, "observations of a training window; 0: whole trajectories").show_default();
  c.add_option("--batch", f->batch, "windows per iteration").show_default();
  c.add_flag("--train-initial", f->train_initial, "train the first state of each trajectory, too: for noisy data");
  c.add_flag("--physics-first", f->physics_first, kPhysicsFirst);
  c.add_option("--seed", f->seed, "seed of the weights and windows").show_default();
  c.group("Solver");
  f->solve.add_to(c), f->common.add_table_to(c), f->common.add_to(c);
  f->common.keys.say("--loss-weights", "weights");
  f->command = c;
  run_if_chosen(c, chosen, f, fit, [f, c] {
    if (is_command_recipe(f->source)) apply_command_recipe(c, f->source);
  });
}

void add_predict(Command parent, Action& chosen) {
  auto f = std::make_shared<SolveFlags>();
  auto c = parent.add_command("predict", "Solve a learned field from the first state of each trajectory");
  c.footer(
      "Examples:\n"
      "  pathline dynamics fit datasets/spiral.csv --window 10 --iterations 500 -o spiral.h5\n"
      "  pathline dynamics predict spiral.h5 datasets/spiral.csv --end 50 -o further.csv");
  c.add_option("MODEL", f->model, "a model of `pathline dynamics fit`").required();
  c.add_option("SOURCE", f->source, "a table of trajectories").required();
  c.add_option("-o,--output", f->output, "FILE.csv, FILE.npy or FILE.h5").required();
  c.add_option("--end", f->end, "solve to this time at equal steps; default: at the times of the table");
  c.add_option("--points", f->points, "number of these steps").show_default();
  c.add_option("--id", f->id, "column with the number of the trajectory").show_default();
  c.add_option("--time", f->time, "column with the time").show_default();
  f->common.add_table_to(c);
  f->command = c;
  run_if_chosen(c, chosen, f, solve);
}

void add_simulate(Command parent, Action& chosen) {
  auto f = std::make_shared<SimulateFlags>();
  std::vector<std::string> names = {"spiral"};
  for (const auto& motion : motions()) names.push_back(motion.name);
  auto c = parent.add_command("simulate", "Write simulated trajectories with columns id, t and the state");
  c.footer(
      "Examples:\n"
      "  pathline dynamics simulate spiral --points 1000 --end 25 -o spiral.csv\n"
      "  pathline dynamics simulate pendulum -n 20 --noise 0.01 -o pendulum.csv");
  c.add_option("NAME", f->name, fmt::format("{}", fmt::join(names, ", "))).required();
  c.add_option("-o,--output", f->output, "FILE.csv, FILE.npy or FILE.h5").required();
  c.add_option("-n,--count", f->count, "trajectories (the spiral is one)").show_default();
  c.add_option("--points", f->points, "observations after the first").show_default();
  c.add_option("--end", f->end, "time of the last one").show_default();
  c.add_option("--noise", f->noise, "standard deviation of the noise, as a share of each component's own")
      .show_default();
  c.add_option("--seed", f->seed, "seed of the draws").show_default();
  run_if_chosen(c, chosen, f, simulate);
}

}  // namespace

void add_dynamics_command(Command app, Action& chosen) {
  auto c = app.add_command("dynamics", "Learn dz/dt = f(z, t) from trajectories");
  c.require_command();
  c.footer(
      "Examples:\n"
      "  pathline dynamics simulate spiral --points 1000 --end 25 -o spiral.csv\n"
      "  pathline dynamics fit spiral.csv --window 10 --iterations 500 -o spiral.h5 --plot spiral.png\n"
      "  pathline dynamics motions parabola --physics-first\n"
      "  pathline dynamics energy");
  add_fit(c, chosen), add_predict(c, chosen), add_simulate(c, chosen);
  add_motions_command(c, chosen), add_energy_command(c, chosen);
}

}  // namespace pathline
