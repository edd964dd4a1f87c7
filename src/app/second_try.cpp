#include "app/second_try.hpp"

#include <algorithm>
#include <utility>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

constexpr Index kMostInVain = 100;  // so that a table in which every point fails comes to an end

}  // namespace

SecondTry::SecondTry(const DensityFlags& f, const EvaluationOptions& options) : f_(f) {
  auto again = options;
  again.tile = 1, again.first = 0;
  auto& solver = again.solver;
  if (solver.steps > 0) {
    solver.steps = 0, solver.stepper = StepperKind::dopri5;
    solver.rtol = solver.atol = 1e-6;
    settings_.push_back(again);
  }
  solver.max_steps *= 4;
  if (!has_error_estimate(solver.stepper)) solver.stepper = StepperKind::dopri5;
  settings_.push_back(again);
  solver.stepper = StepperKind::fehlberg78;
  solver.rtol = std::max(0.1 * solver.rtol, 1e-12), solver.atol = std::max(0.1 * solver.atol, 1e-12);
  settings_.push_back(again);
}

void SecondTry::operator()(const Matrix<double>& x, const Matrix<double>& c, LogProbOfRows& got) {
  std::vector<FailedPoint> still;
  for (auto& point : got.failed) {
    const Index i = point.column;
    const Matrix<double> condition = c.rows() > 0 ? Matrix<double>(c.col(i)) : Matrix<double>(0, 1);
    if (!point.late && in_vain_ < kMostInVain && succeeds(x.col(i), condition, got.log_prob[i]))
      ++rescued_;
    else
      ++in_vain_, still.push_back(point);
  }
  got.failed = std::move(still);
}

bool SecondTry::succeeds(const Matrix<double>& x, const Matrix<double>& c, double& log_prob) {
  if (!flow_) flow_ = read_model<double>(model_file(f_.model)).flow;
  for (const auto& options : settings_) {
    try {
      log_prob = (f_.time ? flow_->log_prob_at(*f_.time, x, c, options) : flow_->log_prob(x, c, options)).log_prob[0];
      return true;
    } catch (const NumericalError&) {  // the next method may succeed
    }
  }
  return false;
}

}  // namespace pathline
