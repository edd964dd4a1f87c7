#include "data/quadric_finding.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <Eigen/Eigenvalues>

namespace pathline {
namespace {

constexpr double kNearlyNone = 1e-3;  // the least width of terms; a cheap test for what follows
constexpr double kThin = 1e-4;        // the distance from the surface, in quartiles of the columns
constexpr Index kMostColumns = 12, kMostRows = 2000, kLeastRows = 200;

double quantile(std::vector<double> values, double q) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// The columns in units of their median and quartiles, without the rows that are far outside in one of them: those alone
// would decide about the squares of heavy tails.
Matrix<double> without_far_rows(ConstMatrixRef<double> x) {
  constexpr double kFar = 8;
  Matrix<double> z = x;
  for (Index i = 0; i < z.rows(); ++i) {
    const std::vector<double> values(z.row(i).begin(), z.row(i).end());
    const double middle = quantile(values, 0.5), width = quantile(values, 0.75) - quantile(values, 0.25);
    z.row(i) = (z.row(i).array() - middle) / (width > 0 ? width : 1);
  }
  std::vector<Index> kept;
  for (Index b = 0; b < z.cols(); ++b)
    if (z.col(b).cwiseAbs().maxCoeff() < kFar) kept.push_back(b);
  return z(Eigen::all, kept);
}

// A term is one column, or the product of two; the second is -1 for one column.
struct Terms {
  std::vector<std::pair<Index, Index>> columns;
  std::vector<RowVector<double>> values;  // with mean 0 and variance 1
  std::vector<double> deviations;         // by which they were divided

  // Leaves out a term that does not vary.
  void add(Index i, Index j, RowVector<double> value) {
    value.array() -= value.mean();
    const double deviation = value.norm() / std::sqrt(static_cast<double>(value.size()));
    if (!(deviation > 1e-9)) return;
    columns.emplace_back(i, j), values.emplace_back(value / deviation), deviations.push_back(deviation);
  }
};

// The square of a column with two clusters is nearly a linear function of it, and says nothing about others.
bool square_is_linear(const RowVector<double>& z) {
  Terms terms;
  terms.add(0, -1, z), terms.add(0, 0, z.cwiseAbs2());
  if (terms.values.size() < 2) return true;
  const double correlation = terms.values[0].dot(terms.values[1]) / static_cast<double>(z.size());
  return 1 - correlation * correlation < 1e-4;
}

Terms terms_of(const Matrix<double>& z) {
  Terms out;
  for (Index i = 0; i < z.rows(); ++i) {
    out.add(i, -1, z.row(i));
    for (Index j = i; j < z.rows(); ++j)
      if (j > i || !square_is_linear(z.row(i))) out.add(i, j, z.row(i).cwiseProduct(z.row(j)));
  }
  return out;
}

// The combination, of length 1, of the rows of a matrix that varies least; width: its root mean square.
Vector<double> narrowest(const Matrix<double>& values, double& width) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(values * values.transpose());
  Vector<double> direction = solver.eigenvectors().col(0);
  // From the rows, because eigenvalues below 1e-15 are rounding errors.
  width = std::sqrt((direction.transpose() * values).squaredNorm() / static_cast<double>(values.cols()));
  return direction;
}

// The median distance of the rows from the surface q = 0, where q is the sum of the terms times `factors`: |q| / |grad
// q|.
double median_distance(const Matrix<double>& z, const Terms& terms, const Vector<double>& factors) {
  RowVector<double> q = RowVector<double>::Zero(z.cols());
  Matrix<double> slope = Matrix<double>::Zero(z.rows(), z.cols());
  for (std::size_t k = 0; k < terms.values.size(); ++k) {
    const double factor = factors[static_cast<Index>(k)];
    const auto [i, j] = terms.columns[k];
    q += factor * terms.values[k];
    const double each = factor / terms.deviations[k];
    if (j < 0)
      slope.row(i).array() += each;
    else
      slope.row(i) += each * z.row(j), slope.row(j) += each * z.row(i);  // twice for a square
  }
  const RowVector<double> distance = q.array().abs() / (slope.colwise().norm().array() + 1e-300);
  return quantile({distance.begin(), distance.end()}, 0.5);
}

}  // namespace

std::string quadric_finding(ConstMatrixRef<double> x, const std::vector<std::string>& names,
                            const std::vector<bool>& modelled) {
  const Index d = x.rows();
  if (d < 2 || d > kMostColumns) return "";
  const Matrix<double> z = without_far_rows(x.leftCols(std::min(x.cols(), kMostRows)));
  double straight = 0;
  (void)narrowest(z.colwise() - Vector<double>(z.rowwise().mean()), straight);
  if (straight < kNearlyNone) return "";  // what is linear is found as such, and every product with it is narrow, too
  const Terms terms = terms_of(z);
  const Index n = std::ssize(terms.values);
  if (z.cols() < std::max(kLeastRows, 4 * n)) return "";
  Matrix<double> values(n, z.cols());
  for (Index k = 0; k < n; ++k) values.row(k) = terms.values[static_cast<std::size_t>(k)];
  double width = 0;
  const Vector<double> direction = narrowest(values, width);
  if (!(width < kNearlyNone)) return "";
  const double distance = median_distance(z, terms, direction);
  if (!(distance < kThin)) return "";
  std::set<Index> columns;
  bool bent = false, wanted = false;
  for (Index k = 0; k < n; ++k) {
    if (std::abs(direction[k]) < 0.05) continue;
    const auto [i, j] = terms.columns[static_cast<std::size_t>(k)];
    for (const Index column : {i, j})
      if (column >= 0) columns.insert(column), wanted = wanted || modelled[static_cast<std::size_t>(column)];
    bent = bent || j >= 0;
  }
  if (!bent || !wanted || columns.size() < 2) return "";
  std::vector<std::string> named;
  for (const Index column : columns) named.push_back(names[static_cast<std::size_t>(column)]);
  return fmt::format(
      "the columns {} nearly obey an equation of second degree: the rows lie within {:.0e} of the spread of the "
      "columns from a curved surface, where no density can be known from them; leave one of the columns out",
      fmt::join(named, ", "), distance);
}

}  // namespace pathline
