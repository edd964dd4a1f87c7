#include "app/dynamics_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/minimize_flags.hpp"
#include "app/progress_line.hpp"
#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "pathline/dynamics/motion.hpp"

namespace pathline {

Vector<double> newtonian_loss_weights() {
  Vector<double> weights = Vector<double>::Constant(9, 0.1);
  weights.head(4).setConstant(1.01);
  return weights;
}

void require_simulated(Index count, Index points) {
  require(count >= 1, "-n", count, ">= 1");
  require(points >= 1, "--points", points, ">= 1");
  constexpr double kBytes = 3 * 11 * sizeof(double);  // of one observation of a motion
  require_memory("--points", points, kBytes * static_cast<double>(points));
  require_memory("-n", count, kBytes * static_cast<double>(points) * static_cast<double>(count));
}

TrajectoryTable predicted(const VectorField<double>& field, const TrajectoryTable& data, const OdeintOptions& solve) {
  TrajectoryTable out = data;
  for (auto& t : out.list) t.states = odeint<double>(field, Matrix<double>(t.states.col(0)), t.times, solve);
  return out;
}

void fit_physics_first(PhysicsField<double>& field, const std::vector<Trajectory>& data, DynamicsOptions& options) {
  options.initial = fit_terms(field, data, options).initial;
  options.hold_terms = true;
}

namespace {

struct MotionFlags {
  std::vector<std::string> names;
  Index count = 30, points = 10;
  double end = 1, noise = 0;
  bool physics_first = false;
  std::uint64_t seed = 0;
  MinimizeFlags optimizer;
  CommonFlags common;
};

// The result of one fit of one motion.
struct MotionResult {
  std::vector<double> parameters;  // the fitted values of the motion's parameters
  double inside = 0, beyond = 0;   // RMS errors on fresh trajectories: over the window, and from its end to twice it
};

std::vector<Trajectory> cut(const std::vector<Trajectory>& list, Index first, Index count) {
  std::vector<Trajectory> out;
  for (const auto& t : list)
    out.push_back(
        {t.id, {t.times.begin() + first, t.times.begin() + first + count}, t.states.middleCols(first, count)});
  return out;
}

double rms(const std::vector<Trajectory>& a, const std::vector<Trajectory>& b) {
  double sum = 0, n = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += (a[i].states - b[i].states).squaredNorm(), n += static_cast<double>(a[i].states.size());
  return std::sqrt(sum / n);
}

MotionResult fit_motion(const MotionFlags& f, const Motion& motion, const TrajectoryTable& data,
                        const TrajectoryTable& test, DynamicsKind kind, bool zero_residual) {
  Engine engine = make_stream(f.seed, "dynamics.weights");
  const auto field = make_dynamics<double>({.kind = kind, .dim = 9}, engine, zero_residual);
  DynamicsOptions options{.solve = {.solver = {.stepper = StepperKind::rk4, .steps = 1}, .threads = f.common.threads},
                          .optimizer = f.optimizer.options(),
                          .weights = newtonian_loss_weights(),
                          .autonomous = true,
                          .train_initial = f.noise > 0};
  if (auto* physics = dynamic_cast<PhysicsField<double>*>(field.get()); physics && f.physics_first)
    fit_physics_first(*physics, data.list, options);
  (void)fit_dynamics<double>(*field, data.list, options);
  MotionResult out;
  for (const auto& [name, value] : motion.truth)
    for (const auto& p : field->parameters())
      if (p.name == name) out.parameters.push_back(field->theta()[p.offset]);
  const auto model = predicted(*field, test, {.solver = {.rtol = 1e-8, .atol = 1e-8}}).list;
  out.inside = rms(cut(model, 0, f.points + 1), cut(test.list, 0, f.points + 1));
  out.beyond = rms(cut(model, f.points + 1, f.points), cut(test.list, f.points + 1, f.points));
  return out;
}

// "c_y: -9.81, found -9.808 (0.02 %)": the parameter with the largest error, relative to its size or to 1.
std::string worst_parameter(const Motion& motion, const std::vector<double>& found) {
  if (motion.truth.empty()) return "-";
  auto off = [&](std::size_t i) {
    const double truth = motion.truth[i].second;
    return std::abs(found[i] - truth) / std::max(1.0, std::abs(truth));
  };
  std::size_t worst = 0;
  for (std::size_t i = 0; i < motion.truth.size(); ++i)
    if (off(i) > off(worst)) worst = i;
  return fmt::format("{}: {:.4g}, found {:.4g} ({:.2g} %)", motion.truth[worst].first, motion.truth[worst].second,
                     found[worst], 100 * off(worst));
}

int motion_report(const MotionFlags& f) {
  require_simulated(f.count, f.points);
  std::vector<const Motion*> chosen;
  for (const auto& name : f.names) chosen.push_back(&find_motion(name));
  if (chosen.empty())
    for (const auto& motion : motions()) chosen.push_back(&motion);
  fmt::print(
      "| motion | residual from zero: RMS, twice as far | residual trained | plain network | worst parameter, residual "
      "from zero | worst parameter, residual trained |\n|---|---|---|---|---|---|\n");
  ProgressLine progress(f.common.quiet, "motions", std::ssize(chosen));
  Index done = 0;
  for (const auto* motion : chosen) {
    auto data = draw_motion(*motion, f.count, equal_times(f.end, f.points), f.seed);
    add_noise(data, f.noise, f.seed);
    const auto test = draw_motion(*motion, f.count, equal_times(2 * f.end, 2 * f.points), f.seed + 1);
    const auto zero = fit_motion(f, *motion, data, test, DynamicsKind::newtonian, true);
    const auto full = fit_motion(f, *motion, data, test, DynamicsKind::newtonian, false);
    const auto plain = fit_motion(f, *motion, data, test, DynamicsKind::network, false);
    std::string line = fmt::format("| {}{} ", motion->name, motion->linear ? "" : " (not linear)");
    for (const auto* r : {&zero, &full, &plain}) line += fmt::format("| {:.2g}, {:.2g} ", r->inside, r->beyond);
    fmt::print("{}| {} | {} |\n", line, worst_parameter(*motion, zero.parameters),
               worst_parameter(*motion, full.parameters));
    progress(++done);
  }
  return 0;
}

struct EnergyFlags {
  Index count = 20, points = 30;
  double end = 3;
  std::uint64_t seed = 0;
  MinimizeFlags optimizer;
  CommonFlags common;
};

// max over t of |E(t) - E(0)| / E(0), mean over the trajectories; E = p^2 / 2 + 1 - cos q.
double energy_drift(const std::vector<Trajectory>& list) {
  double sum = 0;
  for (const auto& t : list) {
    const RowVector<double> energy = 0.5 * t.states.row(1).array().square() + 1 - t.states.row(0).array().cos();
    sum += (energy.array() - energy[0]).abs().maxCoeff() / energy[0];
  }
  return sum / static_cast<double>(list.size());
}

int energy_report(const EnergyFlags& f) {
  require_simulated(f.count, f.points);
  const auto data = draw_free_pendulum(f.count, equal_times(f.end, f.points), f.seed);
  const auto test = draw_free_pendulum(f.count, equal_times(10 * f.end, 10 * f.points), f.seed + 1);
  fmt::print(
      "| field | parameters | RMS error over the window | RMS error over ten windows | energy drift over ten windows "
      "|\n|---|---|---|---|---|\n");
  ProgressLine progress(f.common.quiet, "fields", 3);
  Index done = 0;
  for (const auto kind : {DynamicsKind::network, DynamicsKind::second_order, DynamicsKind::hamiltonian}) {
    Engine engine = make_stream(f.seed, "dynamics.weights");
    const auto field = make_dynamics<double>({.kind = kind, .dim = 2}, engine);
    const DynamicsOptions options{
        .solve = {.solver = {.stepper = StepperKind::rk4, .steps = 1}, .threads = f.common.threads},
        .optimizer = f.optimizer.options(),
        .autonomous = true};
    (void)fit_dynamics<double>(*field, data.list, options);
    const auto model = predicted(*field, test, {.solver = {.rtol = 1e-9, .atol = 1e-9}}).list;
    fmt::print("| {} | {} | {:.2g} | {:.2g} | {:.2g} |\n", to_string(kind), field->theta().size(),
               rms(cut(model, 0, f.points + 1), cut(test.list, 0, f.points + 1)), rms(model, test.list),
               energy_drift(model));
    progress(++done);
  }
  return 0;
}

}  // namespace

void add_motions_command(Command parent, Action& chosen) {
  auto f = std::make_shared<MotionFlags>();
  f->optimizer.iterations = 1500, f->optimizer.learning_rate = 3e-2, f->optimizer.weight_decay = 1e-2;
  auto c = parent.add_command("motions", "Fit the twelve simulated motions and compare with the truth");
  c.footer(
      "Examples:\n"
      "  pathline dynamics motions parabola --physics-first\n"
      "  pathline dynamics motions parabola pendulum --noise 0.01 --iterations 500\n"
      "Prints a table in Markdown: the RMS error on fresh trajectories over the window, and from its end to twice the\n"
      "window, and the physical parameter that is off most, relative to its true value or 1.");
  c.add_option("NAMES", f->names, "motions; default: all");
  c.add_option("-n,--count", f->count, "trajectories of each").show_default();
  c.add_option("--points", f->points, "observations after the first").show_default();
  c.add_option("--end", f->end, "length of the window").show_default();
  c.add_option("--noise", f->noise,
               "standard deviation of the noise, as a share of each component's own; the first "
               "states are then trained")
      .show_default();
  c.add_flag("--physics-first", f->physics_first, kPhysicsFirst);
  c.add_option("--seed", f->seed, "seed of data and weights").show_default();
  f->optimizer.add_to(c), f->common.add_to(c);
  run_if_chosen(c, chosen, f, motion_report);
}

void add_energy_command(Command parent, Action& chosen) {
  auto f = std::make_shared<EnergyFlags>();
  f->optimizer.iterations = 3000, f->optimizer.learning_rate = 3e-2, f->optimizer.clip = 1;
  auto c = parent.add_command("energy", "Compare the energy drift of a Hamiltonian field with that of plain networks");
  c.footer(
      "Examples:\n"
      "  pathline dynamics energy\n"
      "  pathline dynamics energy --count 10 --iterations 300 --seed 1\n"
      "Fits a pendulum without friction, and solves from fresh first states over ten windows. The drift is the "
      "largest\n"
      "|E(t) - E(0)| / E(0) with the true energy, mean over the trajectories.");
  c.add_option("-n,--count", f->count, "trajectories").show_default();
  c.add_option("--points", f->points, "observations after the first").show_default();
  c.add_option("--end", f->end, "length of the window").show_default();
  c.add_option("--seed", f->seed, "seed of data and weights").show_default();
  f->optimizer.add_to(c), f->common.add_to(c);
  run_if_chosen(c, chosen, f, energy_report);
}

}  // namespace pathline
