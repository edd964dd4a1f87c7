#include "pathline/dynamics/fit_dynamics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>
#include <unsupported/Eigen/NonLinearOptimization>
#include <unsupported/Eigen/NumericalDiff>

#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "pathline/core/parallel.hpp"
#include "pathline/core/random.hpp"

namespace pathline {
namespace {

// Successive observations of one trajectory.
struct Part {
  std::size_t trajectory;
  Index first, count;
};

// Parts with the same times, solved as one batch.
struct Group {
  std::vector<double> times;
  std::vector<Part> parts;
};

std::vector<Part> whole(const std::vector<Trajectory>& data) {
  std::vector<Part> out;
  for (std::size_t i = 0; i < data.size(); ++i) out.push_back({i, 0, data[i].states.cols()});
  return out;
}

// `batch` windows, each trajectory as likely as the number of windows in it.
std::vector<Part> draw_windows(const std::vector<Trajectory>& data, Index window, Index batch, Engine& engine) {
  Index total = 0;
  for (const auto& t : data) total += std::max<Index>(0, t.states.cols() - window + 1);
  if (total == 0) throw InputError(fmt::format("window = {}: must be at most the longest trajectory", window));
  std::vector<Part> out;
  for (Index b = 0; b < batch; ++b) {
    Index at = uniform_index(engine, total);
    std::size_t i = 0;
    for (;; ++i) {
      const Index here = std::max<Index>(0, data[i].states.cols() - window + 1);
      if (at < here) break;
      at -= here;
    }
    out.push_back({i, at, window});
  }
  return out;
}

// Groups in the order in which their times first appear, of at most `most` parts each, so that several threads share them.
std::vector<Group> group(const std::vector<Trajectory>& data, const std::vector<Part>& parts, bool autonomous,
                         Index most) {
  std::map<std::vector<double>, std::size_t> place;
  std::vector<Group> out;
  for (const auto& part : parts) {
    const auto& all = data[part.trajectory].times;
    std::vector<double> times(all.begin() + part.first, all.begin() + part.first + part.count);
    const double shift = autonomous ? times.front() : 0;
    for (double& t : times) t -= shift;
    auto [found, is_new] = place.try_emplace(times, out.size());
    if (!is_new && static_cast<Index>(out[found->second].parts.size()) == most)
      found->second = out.size(), is_new = true;
    if (is_new) out.push_back({std::move(times), {}});
    out[found->second].parts.push_back(part);
  }
  return out;
}

// The observations of a group as Odeint orders its states: d x BT.
template <class S> Matrix<S> observations(const std::vector<Trajectory>& data, const Group& g) {
  const Index batch = static_cast<Index>(g.parts.size()), count = static_cast<Index>(g.times.size());
  Matrix<S> out(data.front().states.rows(), batch * count);
  for (Index b = 0; b < batch; ++b) {
    const auto& part = g.parts[static_cast<std::size_t>(b)];
    for (Index k = 0; k < count; ++k)
      out.col(k * batch + b) = data[part.trajectory].states.col(part.first + k).template cast<S>();
  }
  return out;
}

template <class S> Matrix<S> first_states(const Matrix<S>& observed, const Group& g, const Matrix<double>& initial) {
  Matrix<S> z0 = observed.leftCols(static_cast<Index>(g.parts.size()));
  for (Index b = 0; initial.size() > 0 && b < z0.cols(); ++b)
    z0.col(b) = initial.col(static_cast<Index>(g.parts[static_cast<std::size_t>(b)].trajectory)).template cast<S>();
  return z0;
}

void check_data(const std::vector<Trajectory>& data, Index dim, const Vector<double>& weights) {
  if (data.empty()) throw InputError("there is no trajectory to learn from");
  for (const auto& t : data)
    if (t.states.rows() != dim || t.states.cols() != static_cast<Index>(t.times.size()))
      throw InputError(fmt::format("trajectory {} has states {} x {}: must be {} x {}", t.id, t.states.rows(),
                                   t.states.cols(), dim, t.times.size()));
  if (weights.size() != 0 && weights.size() != dim)
    throw InputError(fmt::format("weights: found {}, expected one for each of {} components", weights.size(), dim));
  if (weights.size() != 0 && !(weights.allFinite() && weights.minCoeff() >= 0 && weights.maxCoeff() > 0))
    throw InputError("weights: must be >= 0, finite, and not all 0");
}

struct GroupResult {
  double loss = 0;  // summed
  Vector<double> theta;
  Matrix<double> z0;  // the derivative of the loss by the first states
};

// The sum of weighted squared errors of one group and its gradient, each times `share`.
template <class S> void evaluate(const VectorField<S>& field, const std::vector<Trajectory>& data, const Group& g,
                                 const Matrix<double>& initial, const Vector<double>& weights, double share,
                                 Odeint<S>& ode, GroupResult& to) {
  const Matrix<S> observed = observations<S>(data, g);
  const auto& states = ode.solve(field, first_states<S>(observed, g, initial), g.times);
  if (!ode.report().ok()) throw NumericalError(ode.report().advice());
  Matrix<S> bar = states - observed;
  to.loss = 0;
  for (Index i = 0; i < bar.rows(); ++i) {
    const double weight = share * (weights.size() > 0 ? weights[i] : 1);
    to.loss += weight * bar.row(i).template cast<double>().squaredNorm();
    bar.row(i) *= static_cast<S>(2 * weight);
  }
  const auto& gradient = ode.pullback(field, bar);
  to.theta = gradient.theta.template cast<double>(), to.z0 = gradient.z0.template cast<double>();
}

OdeintOptions one_thread(OdeintOptions options) {
  options.threads = 1;
  return options;
}

// Options of a solve without pullback: it stores no steps and accepts every stepper.
OdeintOptions forward_only(OdeintOptions options) {
  options.adjoint = AdjointKind::backsolve;
  return options;
}

// The initial values of the first states, d x N.
Matrix<double> starts(const std::vector<Trajectory>& data, const DynamicsOptions& o) {
  const Index d = data.front().states.rows(), n = static_cast<Index>(data.size());
  if (o.initial.size() > 0) {
    if (o.initial.rows() != d || o.initial.cols() != n)
      throw InputError(fmt::format("initial is {} x {}: must be {} x {}", o.initial.rows(), o.initial.cols(), d, n));
    return o.initial;
  }
  Matrix<double> out(d, n);
  for (Index i = 0; i < n; ++i) out.col(i) = data[static_cast<std::size_t>(i)].states.col(0);
  return out;
}

// The weighted errors of all observations as a function of the terms, and of the first states behind them if those are
// fitted: what Eigen's Levenberg-Marquardt asks for.
struct TermErrors {
  using Scalar = double;
  using InputType = Vector<double>;
  using ValueType = Vector<double>;
  using JacobianType = Matrix<double>;
  enum { InputsAtCompileTime = Eigen::Dynamic, ValuesAtCompileTime = Eigen::Dynamic };

  PhysicsField<double>* field;
  const std::vector<Trajectory>* data;
  const std::vector<Group>* groups;
  Matrix<double> initial;
  bool train_initial;
  Vector<double> root_weights;
  Odeint<double>* ode;
  Index count = 0;

  Index terms() const { return static_cast<Index>(field->options().terms.size()); }
  int inputs() const { return static_cast<int>(terms() + (train_initial ? initial.size() : 0)); }
  int values() const { return static_cast<int>(count); }
  Matrix<double> initial_of(const Vector<double>& unknowns) const {
    if (!train_initial) return initial;
    return unknowns.tail(initial.size()).reshaped(initial.rows(), initial.cols());
  }
  int operator()(const Vector<double>& unknowns, Vector<double>& errors) const {
    Vector<double> theta = field->theta();
    theta.head(terms()) = unknowns.head(terms());
    field->set_theta(theta);
    const Matrix<double> start = initial_of(unknowns);
    Index at = 0;
    for (const auto& g : *groups) {
      const Matrix<double> observed = observations<double>(*data, g);
      const auto& states = ode->solve(*field, first_states<double>(observed, g, start), g.times);
      auto part = errors.segment(at, observed.size());
      if (ode->report().ok())
        part = ((states - observed).array().colwise() * root_weights.array()).reshaped();
      else
        part.setConstant(1e10);
      at += observed.size();
    }
    return 0;
  }
};

// The index of r among the parameters.
Index place_of_gain(const PhysicsField<double>& field) {
  for (const auto& p : field.parameters())
    if (p.name == "r") return p.offset;
  throw InputError("the terms of this field cannot be fitted without its network: r is not a parameter");
}

}  // namespace

TermsFit fit_terms(PhysicsField<double>& field, const std::vector<Trajectory>& data, const DynamicsOptions& o) {
  check_data(data, field.dim(), o.weights);
  const auto groups = group(data, whole(data), o.autonomous, std::numeric_limits<Index>::max());
  Odeint<double> ode(forward_only(o.solve));
  TermErrors errors{
      .field = &field,
      .data = &data,
      .groups = &groups,
      .initial = starts(data, o),
      .train_initial = o.train_initial,
      .root_weights = o.weights.size() > 0 ? Vector<double>(o.weights.cwiseSqrt()) : Vector<double>::Ones(field.dim()),
      .ode = &ode};
  for (const auto& t : data) errors.count += t.states.size();
  const Index gain = place_of_gain(field);
  Vector<double> theta = field.theta();
  const double r = theta[gain];
  theta[gain] = 0;
  field.set_theta(theta);

  Vector<double> unknowns(errors.inputs()), at_end(errors.count);
  unknowns.head(errors.terms()) = theta.head(errors.terms());
  if (o.train_initial) unknowns.tail(errors.initial.size()) = errors.initial.reshaped();
  if (errors.inputs() > 0 && errors.count >= errors.inputs()) {
    Eigen::NumericalDiff<TermErrors, Eigen::Central> differences(errors);
    Eigen::LevenbergMarquardt<Eigen::NumericalDiff<TermErrors, Eigen::Central>> solver(differences);
    constexpr int kMostSteps = 100;  // Eigen's own limit counts the evaluations of each Jacobian, two an unknown
    solver.parameters.maxfev = kMostSteps * (2 * errors.inputs() + 1);
    solver.minimize(unknowns);
  }
  errors(unknowns, at_end);
  theta = field.theta();
  theta[gain] = r;
  field.set_theta(theta);
  return {at_end.squaredNorm() / static_cast<double>(errors.count), errors.initial_of(unknowns)};
}

template <class S>
DynamicsFit fit_dynamics(VectorField<S>& field, const std::vector<Trajectory>& data, const DynamicsOptions& o) {
  check_data(data, field.dim(), o.weights);
  require(o.window == 0 || o.window >= 2, "window", o.window, "0 or >= 2");
  require(o.batch >= 1, "batch", o.batch, ">= 1");
  if (o.window > 0)
    require_memory("batch", o.batch,
                   sizeof(double) * static_cast<double>(o.batch) * static_cast<double>(o.window * (field.dim() + 1)));
  if (o.train_initial && o.window > 0) throw InputError("train_initial needs whole trajectories: set window = 0");
  const Index d = field.dim(), size = field.theta().size();
  DynamicsFit out;
  out.initial = starts(data, o);
  const auto* physics = dynamic_cast<const PhysicsField<S>*>(&field);
  const Index held = o.hold_terms && physics ? static_cast<Index>(physics->options().terms.size()) : 0;
  Vector<double> theta(size + (o.train_initial ? out.initial.size() : 0)), decays = Vector<double>::Zero(theta.size());
  theta.head(size) = field.theta().template cast<double>();
  if (o.train_initial) theta.tail(out.initial.size()) = out.initial.reshaped();
  for (const auto& p : field.parameters()) decays.segment(p.offset, p.size()).setConstant(p.decays ? 1 : 0);

  std::vector<Odeint<S>> solvers;
  for (int i = 0; i < thread_count(o.solve.threads); ++i) solvers.emplace_back(one_thread(o.solve));
  std::vector<Group> groups;
  if (o.window == 0) groups = group(data, whole(data), o.autonomous, o.solve.tile);
  std::vector<GroupResult> results;
  auto loss = [&](Index iteration, const Vector<double>& at, Vector<double>& gradient) {
    field.set_theta(at.head(size).template cast<S>());
    Matrix<double> initial = o.window == 0 ? o.initial : Matrix<double>();
    if (o.train_initial) initial = at.tail(out.initial.size()).reshaped(d, out.initial.cols());
    if (o.window > 0) {
      Engine engine = make_stream(o.seed, "dynamics.windows", static_cast<std::uint64_t>(iteration));
      groups = group(data, draw_windows(data, o.window, o.batch, engine), o.autonomous, o.solve.tile);
    }
    double numbers = 0;
    for (const auto& g : groups)
      numbers += static_cast<double>(d) * static_cast<double>(g.parts.size() * g.times.size());
    results.resize(groups.size());
    parallel_for(static_cast<Index>(groups.size()), o.solve.threads, [&](Index i, int worker) {
      const auto n = static_cast<std::size_t>(i);
      evaluate<S>(field, data, groups[n], initial, o.weights, 1 / numbers, solvers[static_cast<std::size_t>(worker)],
                  results[n]);
    });
    double sum = 0;
    gradient.setZero(theta.size());
    for (std::size_t i = 0; i < groups.size(); ++i) {  // in the same order for any number of threads
      sum += results[i].loss;
      gradient.head(size) += results[i].theta;
      for (std::size_t b = 0; o.train_initial && b < groups[i].parts.size(); ++b)
        gradient.segment(size + d * static_cast<Index>(groups[i].parts[b].trajectory), d) +=
            results[i].z0.col(static_cast<Index>(b));
    }
    gradient.head(held).setZero();  // Adam then leaves them where they are
    return sum;
  };
  out.losses = minimize(theta, loss, o.optimizer, decays);
  field.set_theta(theta.head(size).template cast<S>());
  if (o.train_initial) out.initial = theta.tail(out.initial.size()).reshaped(d, out.initial.cols());
  return out;
}

template <class S> double trajectory_error(const VectorField<S>& field, const std::vector<Trajectory>& data,
                                           const OdeintOptions& solve, const Matrix<double>& initial,
                                           const Vector<double>& weights) {
  check_data(data, field.dim(), weights);
  Odeint<S> ode(forward_only(solve));
  double sum = 0, numbers = 0;
  for (const auto& g : group(data, whole(data), false, std::numeric_limits<Index>::max())) {
    const Matrix<S> observed = observations<S>(data, g);
    const auto& states = ode.solve(field, first_states<S>(observed, g, initial), g.times);
    if (!ode.report().ok()) return std::numeric_limits<double>::infinity();
    const Matrix<double> error = (states - observed).template cast<double>();
    for (Index i = 0; i < error.rows(); ++i) sum += (weights.size() > 0 ? weights[i] : 1) * error.row(i).squaredNorm();
    numbers += static_cast<double>(error.size());
  }
  return std::sqrt(sum / numbers);
}

#define PATHLINE_INSTANTIATE(S)                                                                                    \
  template DynamicsFit fit_dynamics<S>(VectorField<S>&, const std::vector<Trajectory>&, const DynamicsOptions&);   \
  template double trajectory_error<S>(const VectorField<S>&, const std::vector<Trajectory>&, const OdeintOptions&, \
                                      const Matrix<double>&, const Vector<double>&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
