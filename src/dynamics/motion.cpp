#include "pathline/dynamics/motion.hpp"

#include <cmath>

#include <fmt/format.h>

#include "core/option_check.hpp"
#include "pathline/adjoint/odeint.hpp"
#include "pathline/core/nearest.hpp"
#include "pathline/field/autodiff_field.hpp"

namespace pathline {
namespace {

enum : Index { kX, kY, kVx, kVy, kAngle, kOmega, kSize, kLength, kArea, kDim };

// A body at rest with a size of 1.
Vector<double> at_rest() {
  Vector<double> z = Vector<double>::Zero(kDim);
  z.tail(3).setOnes();
  return z;
}

using Formula = std::function<void(double t, const Vector<double>& z0, Vector<double>& z)>;

// The motion whose state at time t is a formula of the first state.
auto by_formula(std::function<Vector<double>(Engine&)> start, Formula formula) {
  return [start = std::move(start), formula = std::move(formula)](Engine& engine, const std::vector<double>& times) {
    const Vector<double> z0 = start(engine);
    Matrix<double> out(kDim, static_cast<Index>(times.size()));
    for (std::size_t k = 0; k < times.size(); ++k) {
      Vector<double> z = z0;
      formula(times[k], z0, z);
      out.col(static_cast<Index>(k)) = z;
    }
    return out;
  };
}

// Constant acceleration.
Formula falls(double ax, double ay) {
  return [=](double t, const Vector<double>& z0, Vector<double>& z) {
    z[kX] += z0[kVx] * t + 0.5 * ax * t * t, z[kY] += z0[kVy] * t + 0.5 * ay * t * t;
    z[kVx] += ax * t, z[kVy] += ay * t;
  };
}

// x'' = -rate^2 x, and y alike if `both`.
Formula swings(double rate, bool both) {
  return [=](double t, const Vector<double>& z0, Vector<double>& z) {
    const double c = std::cos(rate * t), s = std::sin(rate * t);
    for (Index i = 0; i < (both ? 2 : 1); ++i)
      z[i] = c * z0[i] + s / rate * z0[2 + i], z[2 + i] = -rate * s * z0[i] + c * z0[2 + i];
  };
}

std::function<Vector<double>(Engine&)> moving(double vx_low, double vx_high, double vy_low, double vy_high) {
  return [=](Engine& engine) {
    Vector<double> z = at_rest();
    z[kX] = uniform(engine, -1, 1), z[kY] = uniform(engine, -1, 1);
    z[kVx] = uniform(engine, vx_low, vx_high), z[kVy] = uniform(engine, vy_low, vy_high);
    return z;
  };
}

Vector<double> thrown(Engine& engine) {
  Vector<double> z = at_rest();
  z[kX] = uniform(engine, 1, 2), z[kY] = uniform(engine, 8, 9);
  z[kVx] = uniform(engine, 0, 15), z[kVy] = uniform(engine, -2, 2);
  return z;
}

constexpr double kGravity = 9.81, kCircle = 2, kSpring = 4, kApproach = 0.5, kGrowth = 0.3, kStretch = 0.4;

Vector<double> on_a_circle(Engine& engine) {
  const double radius = uniform(engine, 1, 2), phase = uniform(engine, 0, 6.283185307179586);
  Vector<double> z = at_rest();
  z[kX] = radius * std::cos(phase), z[kY] = radius * std::sin(phase);
  z[kVx] = -kCircle * z[kY], z[kVy] = kCircle * z[kX];
  return z;
}

Vector<double> turning(Engine& engine) {
  Vector<double> z = at_rest();
  z[kAngle] = uniform(engine, -1, 1), z[kOmega] = uniform(engine, 1, 3);
  return z;
}

Vector<double> of_other_shape(Engine& engine) {
  Vector<double> z = at_rest();
  for (const Index i : {kSize, kLength, kArea}) z[i] = uniform(engine, 0.5, 1.5);
  return z;
}

// theta'' = -(g / 8) sin theta - 0.5 theta', to the rounding of double.
Matrix<double> pendulum(Engine& engine, const std::vector<double>& times) {
  static const auto field =
      make_field<double>([](const auto&, const auto& z, const auto&, const auto&,
                            auto& f) { f[0] = z[1], f[1] = -kGravity / 8 * sin(z[0]) - 0.5 * z[1]; },
                         2);
  const Matrix<double> z0{{uniform(engine, -0.6, -0.2)}, {uniform(engine, 0.5, 0.6)}};
  Matrix<double> out = at_rest().replicate(1, static_cast<Index>(times.size()));
  out.middleRows(kAngle, 2) = odeint<double>(*field, z0, times, {.solver = {.rtol = 1e-12, .atol = 1e-12}});
  return out;
}

using Truth = std::vector<std::pair<std::string, double>>;

// a and b are 0 on both axes.
Truth constant_acceleration(double c_x, double c_y) {
  return {{"a_x", 0}, {"b_x", 0}, {"c_x", c_x}, {"a_y", 0}, {"b_y", 0}, {"c_y", c_y}};
}

std::vector<Motion> make_motions() {
  const double slope = std::acos(-1.0) / 6, along = kGravity * (std::sin(slope) - 0.2 * std::cos(slope));
  const double slope_x = along * std::cos(slope), slope_y = -along * std::sin(slope);
  return {
      {"uniform_velocity", "no force", true, constant_acceleration(0, 0),
       by_formula(moving(-2, 2, -2, 2), falls(0, 0))},
      {"uniform_acceleration", "acceleration (1.2, 0.8)", true, constant_acceleration(1.2, 0.8),
       by_formula(moving(-1, 1, -1, 1), falls(1.2, 0.8))},
      {"deceleration", "acceleration (-1.5, 0) against a fast start", true, constant_acceleration(-1.5, 0),
       by_formula(moving(4, 6, -1, 1), falls(-1.5, 0))},
      {"parabola", "a throw under g = 9.81", true, constant_acceleration(0, -kGravity),
       by_formula(thrown, falls(0, -kGravity))},
      {"circular",
       "circles about 0 at angular rate 2",
       true,
       {{"a_x", -kCircle * kCircle}, {"b_x", 0}, {"c_x", 0}, {"a_y", -kCircle * kCircle}, {"b_y", 0}, {"c_y", 0}},
       by_formula(on_a_circle, swings(kCircle, true))},
      {"rotation",
       "rotation at a constant rate",
       true,
       {{"g_over_L", 0}, {"gamma", 0}},
       by_formula(turning, [](double t, const Vector<double>& z0, Vector<double>& z) { z[kAngle] += z0[kOmega] * t; })},
      {"approach",
       "a body that comes nearer: its apparent size follows s' = s^2 / 2",
       false,
       {},
       by_formula(
           [](Engine& engine) {
             Vector<double> z = at_rest();
             z[kSize] = uniform(engine, 0.3, 0.5);
             return z;
           },
           [](double t, const Vector<double>& z0, Vector<double>& z) {
             z[kSize] = z0[kSize] / (1 - kApproach * z0[kSize] * t);
           })},
      {"slope", "sliding down 30 degrees with a friction of 0.2", true, constant_acceleration(slope_x, slope_y),
       by_formula(moving(0, 1, -0.5, 0), falls(slope_x, slope_y))},
      {"spring",
       "x'' = -4 x",
       true,
       {{"a_x", -kSpring}, {"b_x", 0}, {"c_x", 0}},
       by_formula(moving(-2, 2, 0, 0), swings(std::sqrt(kSpring), false))},
      {"pendulum",
       "theta'' = -(9.81 / 8) sin theta - 0.5 theta'",
       false,
       {{"g_over_L", kGravity / 8}, {"gamma", 0.5}},
       pendulum},
      {"size_change",
       "s' = 0.3",
       true,
       {{"alpha_s", 0}, {"beta_s", kGrowth}},
       by_formula(of_other_shape, [](double t, const Vector<double>&, Vector<double>& z) { z[kSize] += kGrowth * t; })},
      {"deformation",
       "l' = 0.4 l, a' = -0.4 a",
       true,
       {{"alpha_l", kStretch}, {"beta_l", 0}, {"alpha_a", -kStretch}, {"beta_a", 0}},
       by_formula(of_other_shape, [](double t, const Vector<double>&, Vector<double>& z) {
         z[kLength] *= std::exp(kStretch * t), z[kArea] *= std::exp(-kStretch * t);
       })}};
}

}  // namespace

const std::vector<Motion>& motions() {
  static const std::vector<Motion> list = make_motions();
  return list;
}

const Motion& find_motion(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& motion : motions()) {
    if (motion.name == name) return motion;
    names.push_back(motion.name);
  }
  throw InputError(
      fmt::format("unknown motion '{}'; did you mean '{}'? ({})", name, nearest(name, names), fmt::join(names, ", ")));
}

const std::vector<std::string>& motion_columns() {
  static const std::vector<std::string> names = {"x", "y", "vx", "vy", "theta", "omega", "s", "l", "a"};
  return names;
}

TrajectoryTable draw_motion(const Motion& motion, Index count, const std::vector<double>& times, std::uint64_t seed) {
  require(count >= 1, "count", count, ">= 1");
  TrajectoryTable out{.list = {}, .columns = motion_columns()};
  for (Index i = 0; i < count; ++i) {
    Engine engine = make_stream(seed, "dynamics.motion", static_cast<std::uint64_t>(i));
    out.list.push_back({static_cast<double>(i), times, motion.draw(engine, times)});
  }
  return out;
}

void add_noise(TrajectoryTable& table, double share, std::uint64_t seed) {
  require(share >= 0 && std::isfinite(share), "noise", share, ">= 0 and finite");
  if (table.list.empty() || share == 0) return;
  const Index d = table.list.front().states.rows();
  Vector<double> sum = Vector<double>::Zero(d), squares = Vector<double>::Zero(d);
  double n = 0;
  for (const auto& t : table.list) sum += t.states.rowwise().sum(), n += static_cast<double>(t.states.cols());
  const Vector<double> mean = sum / n;
  for (const auto& t : table.list) squares += (t.states.colwise() - mean).rowwise().squaredNorm();
  const Vector<double> scale = share * (squares / n).cwiseSqrt();
  for (std::size_t i = 0; i < table.list.size(); ++i) {
    Engine engine = make_stream(seed, "dynamics.noise", i);
    auto& states = table.list[i].states;
    Matrix<double> noise(d, states.cols());
    fill_normal<double>(engine, noise);
    states.array() += noise.array().colwise() * scale.array();
  }
}

TrajectoryTable draw_spiral(const std::vector<double>& times) {
  static const auto field = make_field<double>(
      [](const auto&, const auto& z, const auto&, const auto&, auto& f) {
        const auto u = z[0] * z[0] * z[0], v = z[1] * z[1] * z[1];
        f[0] = -0.1 * u - 2.0 * v, f[1] = 2.0 * u - 0.1 * v;
      },
      2);
  const Matrix<double> z0{{2.0}, {0.0}};
  return {.list = {{0, times, odeint<double>(*field, z0, times, {.solver = {.rtol = 1e-10, .atol = 1e-10}})}},
          .columns = {"x", "y"}};
}

TrajectoryTable draw_free_pendulum(Index count, const std::vector<double>& times, std::uint64_t seed) {
  require(count >= 1, "count", count, ">= 1");
  static const auto field = make_field<double>(
      [](const auto&, const auto& z, const auto&, const auto&, auto& f) { f[0] = z[1], f[1] = -sin(z[0]); }, 2);
  TrajectoryTable out{.list = {}, .columns = {"q", "p"}};
  for (Index i = 0; i < count; ++i) {
    Engine engine = make_stream(seed, "dynamics.free_pendulum", static_cast<std::uint64_t>(i));
    const double q = uniform(engine, -1.5, 1.5), p = uniform(engine, -1.5, 1.5);
    const Matrix<double> z0{{q}, {p}};
    out.list.push_back(
        {static_cast<double>(i), times, odeint<double>(*field, z0, times, {.solver = {.rtol = 1e-12, .atol = 1e-12}})});
  }
  return out;
}

std::vector<double> equal_times(double end, Index count) {
  require(count >= 1, "count", count, ">= 1");
  require(end > 0 && std::isfinite(end), "end", end, "> 0 and finite");
  std::vector<double> out;
  for (Index k = 0; k <= count; ++k) out.push_back(end * static_cast<double>(k) / static_cast<double>(count));
  return out;
}

}  // namespace pathline
