#include "adjoint/continuous.hpp"

#include "ode/step_quadrature.hpp"

namespace pathline {
namespace {

// d/dt [z | a] = [f | -(df/dz)^T a - (dg/dz)^T 1], where g is the integrand of the loss (Chen et al. 2018, app. B).
template <class S> class AdjointSystem final : public System<S> {
 public:
  AdjointSystem(const BlockProblem<S>& problem, Workspace<S>& w)
      : problem_(problem), w_(w), c_bar_(problem.condition.rows(), problem.condition.cols()) {}
  void rates(double t, const State<S>& x, State<S>& dxdt) override {
    typename Workspace<S>::Frame frame(w_);
    const auto& method = problem_.method;
    auto z = x.block(0);
    auto p = w_.matrix(method.rows(z.rows()), method.cols(z.cols()));
    auto a_rate = dxdt.block(1);
    PathRule<S> rule(problem_, method, x.block(1), S(1), w_);
    double unused = 0;
    auto f = w_.matrix(problem_.rows(z.rows()), z.cols());
    method.evaluate_and_pullback(problem_.field, {t, z, problem_.condition}, rule, f, p,
                                 {a_rate, c_bar_, no_theta_, &unused}, w_);
    dxdt.block(0) = f.topRows(z.rows());
    a_rate = -a_rate;
  }

 private:
  const BlockProblem<S>& problem_;
  Workspace<S>& w_;
  Matrix<S> c_bar_;  // is computed but not used
  Vector<S> no_theta_;
};

// Adds the integrals of a^T df/dtheta + dg/dtheta over each accepted step, by Gauss-Legendre quadrature. Neither z nor
// a depends on them, so they are not a part of the state (Norcliffe & Deisenroth 2023).
template <class S> class ParameterQuadrature final : public StepObserver<S> {
 public:
  ParameterQuadrature(const BlockProblem<S>& problem, int order, BlockCotangent<S>& to, State<S>& node, Workspace<S>& w)
      : problem_(problem),
        order_(order),
        to_(to),
        node_(node),
        w_(w),
        theta_(to.theta.size()),
        c_(to.condition.rows(), to.condition.cols()) {}

  void accepted(const Step<S>& step) override {
    visit_gauss_nodes(step, order_, node_, [&](double t, State<S>& node, double length) {
      typename Workspace<S>::Frame frame(w_);
      const auto& method = problem_.method;
      auto z = node.block(0);
      auto f = w_.matrix(problem_.rows(z.rows()), z.cols()), z_bar = w_.matrix(z.rows(), z.cols());
      auto p = w_.matrix(method.rows(z.rows()), method.cols(z.cols()));
      theta_.setZero(), c_.setZero();
      double t_bar = 0;
      PathRule<S> rule(problem_, method, node.block(1), S(1), w_);
      method.evaluate_and_pullback(problem_.field, {t, z, problem_.condition}, rule, f, p, {z_bar, c_, theta_, &t_bar},
                                   w_);
      // The solve runs from t1 to t0, so the integral from t0 to t1 has the opposite sign.
      const S weight = static_cast<S>(-length);
      to_.theta += weight * theta_;
      to_.condition += weight * c_;
      ++evaluations;
    });
  }
  Index evaluations = 0;

 private:
  const BlockProblem<S>& problem_;
  int order_;
  BlockCotangent<S>& to_;
  State<S>& node_;
  Workspace<S>& w_;
  Vector<S> theta_;
  Matrix<S> c_;
};

}  // namespace

// Returns a^T f + g at one end of the solve, which is the derivative of the loss by the time of that end.
template <class S> double ContinuousAdjoint<S>::end_rate(const BlockProblem<S>& problem, double t, ConstMatrixRef<S> z,
                                                         ConstMatrixRef<S> a, Workspace<S>& w) {
  typename Workspace<S>::Frame frame(w);
  const auto& method = problem.method;
  auto f = w.matrix(problem.rows(z.rows()), z.cols());
  auto p = w.matrix(method.rows(z.rows()), method.cols(z.cols())), row = w.matrix(1, z.cols());
  method.evaluate(problem.field, {t, z, problem.condition}, f, p, w);
  method.trace(p, row);
  if (problem.weight) row = row.cwiseProduct(*problem.weight);
  double rate = static_cast<double>(f.topRows(z.rows()).cwiseProduct(a).sum()) - static_cast<double>(row.sum());
  if (problem.penalty) {
    problem.penalty->value(method.directions, f, method.products(ConstMatrixRef<S>(p), z.rows()), row);
    rate += static_cast<double>(problem.sign()) * static_cast<double>(row.sum());
  }
  return rate;
}

template <class S> SolveReport ContinuousAdjoint<S>::reverse(const BlockProblem<S>& problem, const Matrix<S>& z1,
                                                             const Tape<S>* tape, BlockCotangent<S>& to,
                                                             Workspace<S>& w) {
  const Index d = z1.rows(), batch = z1.cols();
  state_.resize({batch, {d, d}, 2});
  state_.block(0) = z1;
  state_.block(1) = to.z;
  AdjointSystem<S> system(problem, w);
  ParameterQuadrature<S> quadrature(problem, stepper_order(solver_.options().stepper), to, node_, w);
  to.t1 += end_rate(problem, problem.t1, state_.block(0), state_.block(1), w);
  SolveReport report;
  if (!tape) {
    // The first step is Hairer's estimate. The last step of the forward solve was tried instead: it does not take a
    // into account, and at a tolerance of 5e-4 it saved 2 of 62 evaluations but doubled the error of the gradient.
    report = solver_.solve(system, state_, problem.t1, problem.t0, &quadrature);
  } else {
    report.status = SolveStatus::success;
    for (std::size_t s = tape->size(); s-- > 0 && report.ok();) {
      const auto& step = (*tape)[s];
      report.add(solver_.solve(system, state_, step.t1, step.t0, &quadrature, step.t1 - step.t0));
      state_.block(0) = step.z;
    }
  }
  to.t0 -= end_rate(problem, problem.t0, state_.block(0), state_.block(1), w);
  to.z = state_.block(1);
  report.evaluations += quadrature.evaluations + 2;
  return report;
}

template class ContinuousAdjoint<float>;
template class ContinuousAdjoint<double>;

}  // namespace pathline
