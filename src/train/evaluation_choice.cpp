#include "pathline/train/evaluation_choice.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/option_check.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

constexpr Index kMostPoints = 256;

// The candidates, ordered roughly by their number of evaluations.
std::vector<SolverOptions> candidates() {
  std::vector<SolverOptions> out{{.stepper = StepperKind::euler, .steps = 1},
                                 {.stepper = StepperKind::midpoint, .steps = 1}};
  for (const Index steps : {1, 2, 3, 4, 6, 8}) out.push_back({.stepper = StepperKind::rk4, .steps = steps});
  for (const Index steps : {3, 4, 6, 8}) out.push_back({.stepper = StepperKind::dopri5, .steps = steps});
  for (const double tolerance : {1e-2, 1e-3, 1e-4, 1e-5, 1e-6}) out.push_back({.rtol = tolerance, .atol = tolerance});
  return out;
}

}  // namespace

template <class S> EvaluationChoice choose_evaluation(const Flow<S>& flow, ConstMatrixRef<double> x,
                                                      ConstMatrixRef<double> c, double max_error, int threads) {
  require(max_error > 0 && std::isfinite(max_error), "max_error", max_error, "> 0");
  require(x.cols() >= 1, "points", x.cols(), "one at least");
  const Index n = std::min(x.cols(), kMostPoints);
  const Matrix<double> points = x.leftCols(n), conditions = c.leftCols(std::min(n, c.cols()));
  const auto evaluate = [&](const SolverOptions& solver) {
    return flow.log_prob(points, conditions, {.solver = solver, .threads = threads});
  };
  const double tight = std::is_same_v<S, float> ? 1e-6 : 1e-7;
  const auto reference = evaluate({.rtol = tight, .atol = tight});
  EvaluationChoice last{{.rtol = 1e-6, .atol = 1e-6}, 0, reference.nfe};
  std::optional<EvaluationChoice> best;
  for (const auto& solver : candidates()) {
    EvaluationChoice tried{solver, std::numeric_limits<double>::infinity(), 0};
    try {
      const auto got = evaluate(solver);
      // Points outside of bounds have density 0 by every solver.
      const auto difference = (got.log_prob - reference.log_prob).array();
      const auto finite = reference.log_prob.array().isFinite();
      tried.nfe = got.nfe;
      tried.error =
          finite.select(difference.abs(), 0.0).sum() / std::max<double>(1, static_cast<double>(finite.count()));
    } catch (const NumericalError&) {  // too coarse
    }
    if (tried.error <= max_error && (!best || tried.nfe < best->nfe)) best = tried;
    if (best && solver.steps == 0) break;  // all further candidates need more evaluations
  }
  return best.value_or(last);
}

template EvaluationChoice choose_evaluation<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                   double, int);
template EvaluationChoice choose_evaluation<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                    double, int);

}  // namespace pathline
