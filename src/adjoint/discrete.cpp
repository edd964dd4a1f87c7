#include "adjoint/discrete.hpp"

namespace pathline {

template <class S> SolveReport DiscreteAdjoint<S>::reverse(const BlockProblem<S>& problem, const Tableau& tableau,
                                                           const Tape<S>& tape, BlockCotangent<S>& to,
                                                           Workspace<S>& w) {
  const std::size_t n = tableau.stages();
  const Index d = to.z.rows(), batch = to.z.cols();
  for (auto* list : {&stage_, &stage_bar_}) {
    list->resize(n);
    for (auto& m : *list) m.resize(d, batch);
  }
  k_bar_.resize(d, batch), f_.resize(problem.rows(d), batch),
      product_.resize(problem.method.rows(d) * problem.method.cols(batch));
  SolveReport report;
  report.status = SolveStatus::success;
  for (std::size_t s = tape.size(); s-- > 0;) report.evaluations += reverse_step(problem, tableau, tape[s], to, w);
  return report;
}

// Reverses one step x1 = x0 + h sum b_i k_i, k_i = f(t + c_i h, x0 + h sum a_ij k_j): Hairer, Norsett, Wanner I, II.1.
template <class S> Index DiscreteAdjoint<S>::reverse_step(const BlockProblem<S>& problem, const Tableau& tableau,
                                                          const typename Tape<S>::Entry& step, BlockCotangent<S>& to,
                                                          Workspace<S>& w) {
  const std::size_t n = tableau.stages();
  const Index batch = to.z.cols();
  const double h = step.t1 - step.t0, span = problem.t1 - problem.t0;
  const Matrix<S>& c = problem.condition;
  for (std::size_t i = 0; i < n; ++i) {
    stage_[i] = step.z;
    for (std::size_t j = 0; j < i; ++j)
      if (tableau.a[i][j] != 0) stage_[i] += static_cast<S>(h * tableau.a[i][j]) * step.k[j];
  }
  const TraceMethod<S> none;
  double h_bar = 0;
  start_bar_ = to.z;
  for (std::size_t i = n; i-- > 0;) {
    k_bar_ = static_cast<S>(h * tableau.b[i]) * to.z;
    for (std::size_t j = i + 1; j < n; ++j)
      if (tableau.a[j][i] != 0) k_bar_ += static_cast<S>(h * tableau.a[j][i]) * stage_bar_[j];
    // The integrals have the weight b_i h, so that a stage with b_i = 0 needs no trace.
    const TraceMethod<S>& method = tableau.b[i] != 0 ? problem.method : none;
    PathRule<S> rule(problem, method, k_bar_, static_cast<S>(h * tableau.b[i]), w);
    double t_bar = 0;
    const double t = step.t0 + tableau.c[i] * h;
    MatrixMap<S> product(product_.data(), method.rows(to.z.rows()), method.cols(batch));
    method.evaluate_and_pullback(problem.field, {t, stage_[i], c}, rule, f_, product,
                                 {stage_bar_[i], to.condition, to.theta, &t_bar}, w);
    start_bar_ += stage_bar_[i];
    // The length h enters x1 and the stages through h k_i and h g_i, and the times t0 + fraction * span.
    h_bar += (static_cast<double>(f_.topRows(k_bar_.rows()).cwiseProduct(k_bar_).sum()) + rule.paired) / h;
    to.t0 += t_bar * (1 - (t - problem.t0) / span);
    to.t1 += t_bar * (t - problem.t0) / span;
  }
  to.t0 -= h_bar * h / span;
  to.t1 += h_bar * h / span;
  to.z = start_bar_;
  return static_cast<Index>(n);
}

template class DiscreteAdjoint<float>;
template class DiscreteAdjoint<double>;

}  // namespace pathline
