#include "train/dependence.hpp"

#include <cmath>

#include <Eigen/QR>

namespace pathline {

Matrix<double> dependences(ConstMatrixRef<double> x, std::vector<Dependence>& found) {
  constexpr double kNarrow = 1e-3, kMostColumns = 300;
  const Index dim = x.rows(), rows = x.cols();
  Matrix<double> lower = Matrix<double>::Identity(dim, dim);
  if (dim < 2 || dim > kMostColumns || rows <= 2 * dim) return lower;
  // R of x^T = Q R has the inner products of the columns and, unlike their covariance, resolves a difference of 1e-10.
  const Eigen::HouseholderQR<Matrix<double>> qr(x.transpose() / std::sqrt(static_cast<double>(rows)));
  Matrix<double> z = qr.matrixQR().topRows(dim).triangularView<Eigen::Upper>();
  for (Index j = 1; j < dim; ++j) {
    if (!(std::abs(z(j, j)) < kNarrow)) continue;  // what remains after regression on the columns before it
    const Vector<double> slope = z.leftCols(j).householderQr().solve(z.col(j));
    const Vector<double> rest = z.col(j) - z.leftCols(j) * slope;
    const double width = rest.norm();
    if (!(width > 0)) continue;
    lower.row(j).head(j) = slope.transpose(), lower(j, j) = width;
    z.col(j) = rest / width;
    found.push_back({j, width});
  }
  return lower;
}

}  // namespace pathline
