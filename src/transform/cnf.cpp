#include "pathline/transform/cnf.hpp"

#include <cmath>
#include <limits>
#include <optional>

#include "pathline/core/error.hpp"
#include "pathline/ode/tableau.hpp"
#include "transform/path_observer.hpp"
#include "transform/solve_scratch.hpp"

namespace pathline {
namespace {

// What the adjoint method needs: the accepted steps of the solve or its end, and its probes.
template <class S> struct CnfTape final : TransformTape<S> {
  Tape<S> steps;
  Matrix<S> end, probes;
  TraceMethod<S> method;
};

}  // namespace

std::string to_string(FieldClock clock) { return clock == FieldClock::base_to_data ? "base_to_data" : "data_to_base"; }

template <class S> Attributes Cnf<S>::describe() const {
  Attributes out{{"end_time", end_time},
                 {"clock", to_string(clock)},
                 {"train_end_time", train_end_time},
                 {"field", field->kind()}};
  const auto of_field = field->describe();
  out.insert(out.end(), of_field.begin(), of_field.end());
  return out;
}

template <class S> std::vector<Parameter> Cnf<S>::parameters() const {
  auto out = field->parameters();
  if (train_end_time) out.push_back({"sqrt_end_time", 1, 1, field->theta().size(), false});
  return out;
}

template <class S> Vector<double> Cnf<S>::theta() const {
  Vector<double> out(parameter_count());
  out.head(field->theta().size()) = field->theta().template cast<double>();
  if (train_end_time) out[out.size() - 1] = std::sqrt(end_time);
  return out;
}

template <class S> void Cnf<S>::set_theta(ConstVectorRef<double> theta) {
  field->set_theta(theta.head(field->theta().size()).template cast<S>());
  if (train_end_time) end_time = theta[theta.size() - 1] * theta[theta.size() - 1];
}

// T is the time of the end that is not at time 0: of the data, or on FFJORD's clock of the base.
template <class S> void Cnf<S>::add_time_gradient(const EndTimes& ends, VectorRef<double> theta_bar) const {
  if (!train_end_time) return;
  theta_bar[theta_bar.size() - 1] +=
      2 * std::sqrt(end_time) * (clock == FieldClock::data_to_base ? ends.base : ends.data);
}

template <class S> void Cnf<S>::check(const SolveOptions<S>& options) const {
  check_adjoint(options.adjoint, options.solver);
  if (options.penalty && options.penalty->needs_potential() && !field->has_potential())
    throw InputError("hjb needs a vector field that has a potential");
}

template <class S> SolveReport Cnf<S>::apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                                             const TransformContext<S>& context, TransformTape<S>* to) const {
  auto* tape = static_cast<CnfTape<S>*>(to);
  auto& w = context.scratch.solves();
  auto& workspace = context.scratch.workspace;
  const auto& options = context.options;
  const bool up = direction == Direction::base_to_data;
  const double t0 = context.part ? at(context.part->first) : up ? base_time() : data_time();
  const double t1 = context.part ? at(context.part->last) : up ? data_time() : base_time();

  const bool quadrature = log_det && !tape && TraceQuadrature<S>::pays(options.solver);
  const bool beside = log_det && !quadrature;  // whether the log-density l is integrated as a part of the state
  const Integrand<S>* penalty = tape && beside ? options.penalty : nullptr;
  TraceMethod<S> method;
  if (log_det) {
    // The exact trace needs no random numbers, and seeding an engine takes longer than a short step.
    if (options.trace.kind != TraceKind::exact)
      w.engine = make_stream(context.probes.seed, context.probes.purpose, context.probes.i, context.probes.j);
    method = make_trace_method<S>(options.trace, *field, penalty && penalty->needs_jacobian(), z.cols(), w.engine,
                                  tape ? tape->probes : w.probes);
  }
  w.lay_out(z.rows(), z.cols(), beside, penalty != nullptr);
  w.state.flat().setZero();
  w.state.block(0) = z;
  const TraceMethod<S> none;
  Augmented<S> system(*field, beside ? method : none, context.condition, workspace, penalty, t1 < t0 ? S(-1) : S(1));

  std::vector<std::pair<double, std::size_t>> times;  // on the clock of the field
  if (context.part && context.keeper)
    for (const auto& [since_base, k] : context.part->times) times.push_back({at(since_base), k});
  RowVector<double> unused;
  std::optional<PathObserver<S>> path;
  StepObserver<S>* observer = nullptr;
  if (!times.empty()) observer = &path.emplace(times, *context.keeper);
  if (tape) {
    // check() refuses steppers without a tableau for the discrete adjoint.
    tape->steps.clear(options.adjoint == AdjointKind::discrete ? find_tableau(options.solver.stepper) : nullptr);
    if (options.adjoint != AdjointKind::backsolve) observer = &tape->steps;  // backsolve needs no steps
  }
  TraceQuadrature<S> integral(*field, method, context.condition, w.node, workspace, log_det ? *log_det : unused,
                              observer);
  auto report = w.solver(options.solver)
                    .solve(system, w.state, t0, t1, quadrature ? &integral : observer,
                           context.first_step ? *context.first_step : 0);
  report.evaluations += integral.evaluations;
  if (quadrature && report.ok() && !log_det->allFinite()) report.status = SolveStatus::not_finite;
  z = w.state.block(0);
  if (beside) *log_det -= w.state.block(1).template cast<double>();
  if (context.first_step && report.ok()) *context.first_step = report.first_step;
  if (!tape) return report;
  tape->end = w.state.block(0), tape->method = method;
  tape->log_det = beside ? -w.state.block(1).template cast<double>().sum() : std::numeric_limits<double>::quiet_NaN();
  tape->penalty = penalty ? w.state.block(2).template cast<double>().sum() : 0;
  return report;
}

template <class S> std::unique_ptr<TransformTape<S>> Cnf<S>::make_tape() const {
  return std::make_unique<CnfTape<S>>();
}

template <class S> SolveReport Cnf<S>::pullback(Direction direction, const TransformTape<S>& from,
                                                TransformCotangent<S> to, const TransformContext<S>& context) const {
  const auto& tape = static_cast<const CnfTape<S>&>(from);
  auto& w = context.scratch.solves();
  auto& workspace = context.scratch.workspace;
  const auto& options = context.options;
  const bool up = direction == Direction::base_to_data, beside = tape.method.any();
  const Integrand<S>* penalty = beside ? options.penalty : nullptr;
  // l is minus the log-determinant. The likelihood has the weight 1, for which no product is needed.
  const RowVector<S>* weight = nullptr;
  if (beside && !(to.log_det.array() == -1).all()) w.weight = (-to.log_det).template cast<S>(), weight = &w.weight;
  const BlockProblem<S> problem{
      *field, tape.method, context.condition, penalty, up ? base_time() : data_time(), up ? data_time() : base_time(),
      weight};
  typename Workspace<S>::Frame frame(workspace);
  auto theta = workspace.vector(to.theta.size() > 0 ? field->theta().size() : 0);
  theta.setZero();
  w.z_bar = to.z;
  BlockCotangent<S> bar{w.z_bar, theta, to.condition};
  SolveReport report;
  if (options.adjoint == AdjointKind::discrete) {
    report = w.discrete.reverse(problem, *find_tableau(options.solver.stepper), tape.steps, bar, workspace);
  } else {
    const auto* steps = options.adjoint == AdjointKind::checkpointed ? &tape.steps : nullptr;
    report = w.continuous(options.solver, options.adjoint).reverse(problem, tape.end, steps, bar, workspace);
  }
  to.z = w.z_bar;
  to.theta.head(theta.size()) += theta.template cast<double>();
  if (to.ends) to.ends->base += up ? bar.t0 : bar.t1, to.ends->data += up ? bar.t1 : bar.t0;
  return report;
}

template class Cnf<float>;
template class Cnf<double>;

}  // namespace pathline
