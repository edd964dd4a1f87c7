#include "recipe/ensemble_weights.hpp"

#include "core/log_sum_exp.hpp"

namespace pathline {

RowVector<double> log_of_mean(const Matrix<double>& log_density, const Vector<double>& weights) {
  const Vector<double> log_weights = weights.array().log();
  RowVector<double> out(log_density.cols());
  for (Index b = 0; b < out.size(); ++b) out[b] = log_sum_exp((log_density.col(b) + log_weights).array());
  return out;
}

Vector<double> ensemble_weights(const Matrix<double>& log_density, const RowVector<double>& row_weights) {
  constexpr int kMostIterations = 500;
  constexpr double kClose = 1e-6;
  const Index members = log_density.rows(), rows = log_density.cols();
  RowVector<double> u = RowVector<double>::Ones(rows);
  if (row_weights.size() > 0 && rows > 0) u = row_weights * (static_cast<double>(rows) / row_weights.sum());
  // Finite also where no member has a density.
  const RowVector<double> top = log_density.colwise().maxCoeff().cwiseMax(-1e300);
  const Matrix<double> p = (log_density.rowwise() - top).array().exp();
  const Vector<double> even = Vector<double>::Constant(members, 1.0 / static_cast<double>(members));
  Vector<double> w = even;
  for (int i = 0; i < kMostIterations; ++i) {
    const RowVector<double> sum = (w.transpose() * p).cwiseMax(1e-300);
    const Vector<double> share = w.cwiseProduct(p * u.cwiseQuotient(sum).transpose());
    const Vector<double> next = (share.array() + 1) / (share.sum() + static_cast<double>(members));
    const double change = (next - w).cwiseAbs().maxCoeff();
    w = next;
    if (change < kClose) break;
  }
  return w.allFinite() ? w : even;
}

}  // namespace pathline
