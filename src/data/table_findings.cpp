#include "data/table_findings.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

#include "core/name_list.hpp"
#include "data/limits_finding.hpp"
#include "data/quadric_finding.hpp"
#include "data/surface_finding.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

constexpr Index kMostRows = 20000;  // are sorted; the first rows of a permuted part are a random sample

std::string name_of(Index i, const std::vector<std::string>& columns) {
  const auto at = static_cast<std::size_t>(i);
  return at < columns.size() && !columns[at].empty() ? columns[at] : fmt::format("x{}", i + 1);
}

// Returns whether there is something that has no density.
bool add_column_findings(ConstMatrixRef<double> x, const std::vector<std::string>& columns, Index i,
                         std::vector<std::string>& out) {
  std::vector<double> values(static_cast<std::size_t>(std::min(x.cols(), kMostRows)));
  for (std::size_t b = 0; b < values.size(); ++b) values[b] = x(i, static_cast<Index>(b));
  const ValueCounts c = count_values(std::move(values));
  const std::string name = name_of(i, columns);
  if (c.rows < 50 || c.distinct < 2) return false;
  if (c.integers && c.distinct == c.rows &&
      x.row(i).maxCoeff() - x.row(i).minCoeff() < 2.0 * static_cast<double>(x.cols())) {
    out.push_back(fmt::format("column {} numbers the rows, as an index does: leave it out unless it is data", name));
    return true;
  }
  if (c.integers && 2 * c.distinct < c.rows) {
    out.push_back(
        fmt::format("column {} contains only integers ({} different values), which have no density; pass "
                    "SourceOptions.discrete = {} to add uniform noise to this column alone",
                    name, c.distinct, name));
    return true;
  }
  if (c.distinct <= 20 && 2 * c.distinct < c.rows) {
    out.push_back(fmt::format(
        "column {} contains only {} different values, which have no density: make it a condition, leave it out, or "
        "number the values and pass SourceOptions.discrete = {}",
        name, c.distinct, name));
    return true;
  }
  if (!c.frequent.empty()) {
    std::vector<std::string> masses;
    for (const auto& [value, count] : c.frequent)
      masses.push_back(
          fmt::format("{:.12g} in {:.3g} %", value, 100 * static_cast<double>(count) / static_cast<double>(c.rows)));
    out.push_back(
        fmt::format("column {} is {} of the rows: a point mass has no density, and the likelihood has no bound "
                    "there; leave these rows or this column out",
                    name, fmt::join(masses, " and ")));
    return true;
  }
  return false;
}

// The names of the columns with the largest weights in an eigenvector of the standardized columns.
std::string columns_of(const Vector<double>& direction, const std::vector<std::string>& columns) {
  std::vector<Index> order;
  for (Index i = 0; i < direction.size(); ++i)
    if (std::abs(direction(i)) > 1e-3) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](Index a, Index b) { return std::abs(direction(a)) > std::abs(direction(b)); });
  if (order.size() > 6) order.resize(6);
  std::sort(order.begin(), order.end());
  std::string out;
  for (const Index i : order) out += (out.empty() ? "" : ", ") + name_of(i, columns);
  return out;
}

// Finds linear functions of the columns that (almost) do not vary: the smallest eigenvalues of their correlations.
void add_collinear_columns(ConstMatrixRef<double> x, const std::vector<std::string>& columns,
                           const std::vector<bool>& is_condition, std::vector<std::string>& out) {
  if (x.rows() < 2 || x.rows() > 300 || x.cols() <= x.rows()) return;
  const Vector<double> mean = x.rowwise().mean();
  Matrix<double> z = x.colwise() - mean;
  const Vector<double> scale = (z.rowwise().squaredNorm() / static_cast<double>(x.cols())).cwiseSqrt();
  if (!(scale.minCoeff() > 0)) return;  // a constant column is refused elsewhere
  z.array().colwise() /= scale.array();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(z * z.transpose() / static_cast<double>(x.cols()));
  for (Index k = 0; k < x.rows(); ++k) {
    const Vector<double> direction = solver.eigenvectors().col(k);
    // The width is computed from the rows, because eigenvalues below 1e-15 are rounding errors.
    const double width = std::sqrt((direction.transpose() * z).squaredNorm() / static_cast<double>(x.cols()));
    if (!(width < 1e-4)) break;
    double of_data = 0, of_conditions = 0;
    for (Index i = 0; i < x.rows(); ++i) {
      double& most = is_condition[static_cast<std::size_t>(i)] ? of_conditions : of_data;
      most = std::max(most, std::abs(direction(i)));
    }
    if (of_data < 1e-3) continue;
    const std::string names = columns_of(direction, columns);
    if (width < 1e-9)
      throw InputError(
          fmt::format("the columns {} are collinear: one is a linear function of the others, and such "
                      "columns have no density; leave one out (SourceOptions.columns)",
                      names));
    if (of_conditions > 1e-3)  // TrainingData takes columns of the data apart
      out.push_back(
          fmt::format("the columns {} are nearly collinear: a combination of them varies {:.0e} times as much "
                      "as each; for an accurate density replace one that is not a condition by that difference",
                      names, width));
  }
}

}  // namespace

ValueCounts count_values(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  ValueCounts out{.rows = std::ssize(v)};
  std::vector<std::pair<double, Index>> runs;
  for (std::size_t begin = 0, end = 0; begin < v.size(); begin = end) {
    while (end < v.size() && v[end] == v[begin]) ++end;
    runs.emplace_back(v[begin], static_cast<Index>(end - begin));
    out.integers = out.integers && v[begin] == std::floor(v[begin]);
  }
  out.distinct = std::ssize(runs);
  // Of a column that is rounded, or of a density with a peak, a value is not much more frequent than the next ones.
  constexpr Index kFewest = 20, kAlone = 10;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    const Index count = runs[k].second, before = k > 0 ? runs[k - 1].second : 1,
                after = k + 1 < runs.size() ? runs[k + 1].second : 1;
    const bool alone = count >= kFewest && count > kAlone * std::max(before, after);
    if (20 * count > out.rows || (alone && 1000 * count > out.rows)) out.frequent.push_back(runs[k]);
  }
  std::stable_sort(out.frequent.begin(), out.frequent.end(), [](auto a, auto b) { return a.second > b.second; });
  return out;
}

std::vector<std::string> table_findings(ConstMatrixRef<double> x, const std::vector<std::string>& columns,
                                        const std::vector<std::string>& condition,
                                        const std::vector<std::string>& discrete,
                                        const std::vector<std::string>& limited) {
  std::vector<std::string> out, names;
  std::vector<bool> is_condition, may_be_curved;
  for (Index i = 0; i < x.rows(); ++i) {
    names.push_back(name_of(i, columns));
    is_condition.push_back(contains(condition, names.back()));
    may_be_curved.push_back(!is_condition.back() && !contains(discrete, names.back()));
  }
  for (Index i = 0; i < x.rows(); ++i) {
    const auto name = name_of(i, columns);
    if (is_condition[static_cast<std::size_t>(i)]) continue;
    const bool counted = contains(discrete, name), found = !counted && add_column_findings(x, columns, i, out);
    if (found) may_be_curved[static_cast<std::size_t>(i)] = false;
    if (found || contains(limited, name)) continue;
    const auto some = x.row(i).leftCols(std::min(x.cols(), kMostRows));
    if (const auto finding = counted ? count_finding(some, name) : limits_finding(some, name); !finding.empty())
      out.push_back(finding);
  }
  add_collinear_columns(x, columns, is_condition, out);
  const auto curved = surface_findings(x, names, may_be_curved);
  out.insert(out.end(), curved.begin(), curved.end());
  if (curved.empty())
    if (const auto finding = quadric_finding(x, names, may_be_curved); !finding.empty()) out.push_back(finding);
  return out;
}

namespace {

// Of each value its place in increasing order.
Vector<double> ranks(const Vector<double>& x) {
  std::vector<Index> order(static_cast<std::size_t>(x.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return x(a) < x(b); });
  Vector<double> out(x.size());
  for (std::size_t place = 0; place < order.size(); ++place) out(order[place]) = static_cast<double>(place);
  return out;
}

double correlation(const Vector<double>& a, const Vector<double>& b) {
  const Vector<double> x = a.array() - a.mean(), y = b.array() - b.mean();
  return x.dot(y) / std::sqrt(x.squaredNorm() * y.squaredNorm());
}

}  // namespace

bool looks_like_chain(ConstMatrixRef<double> all) {
  const Index dim = all.rows() - 2, rows = std::min(all.cols(), kMostRows);
  if (dim < 1 || rows < 30) return false;
  const auto x = all.leftCols(rows);
  const auto count = x.row(0).array();
  if (!(count == count.floor()).all() || count.minCoeff() < 1 || count.maxCoeff() == 1) return false;
  Matrix<double> z = x.bottomRows(dim);
  z.colwise() -= Vector<double>(z.rowwise().mean());
  Matrix<double> covariance = z * z.transpose() / static_cast<double>(rows);
  covariance.diagonal() *= 1 + 1e-9;  // where columns are collinear
  const Matrix<double> whitened = Eigen::LDLT<Matrix<double>>(covariance).solve(z);
  const Vector<double> distance = z.cwiseProduct(whitened).colwise().sum();
  return correlation(ranks(x.row(1)), ranks(distance)) > 0.5;
}

double effective_sample_size(const RowVector<double>& weights) {
  const RowVector<double> w = weights / weights.maxCoeff();  // squares of small weights underflow
  return w.sum() * w.sum() / w.squaredNorm();
}

namespace {

// Weights that vary by orders of magnitude, as those of nested sampling do, are no fault: an effective sample size of a
// fifth of the rows is healthy, and so is one of 1.5 of the three rows that a small table holds out.
bool few_rows_decide(const RowVector<double>& weights) {
  constexpr double kLargestShare = 1.0 / 3, kFew = 5, kHealthy = 0.25;
  if (weights.size() == 0) return false;
  const double size = effective_sample_size(weights), share = weights.maxCoeff() / weights.sum();
  return (share > kLargestShare || size < kFew) && size < kHealthy * static_cast<double>(weights.size());
}

}  // namespace

std::vector<std::string> weights_notes(const std::string& column, const DataSplit& split) {
  std::vector<std::string> out{
      fmt::format("rows are weighted by column {}: effective sample size {:.1f} of {} training rows (Kish)", column,
                  effective_sample_size(split.train_weights), split.train_weights.size())};
  const std::tuple<const char*, const RowVector<double>*, const char*> parts[] = {
      {"training", &split.train_weights, "more rows help"},
      {"validation", &split.validation_weights, "more rows, or a larger validation part, help"},
      {"test", &split.test_weights, "more rows, or a larger test part, help"}};
  for (const auto& [name, weights, cure] : parts)
    if (few_rows_decide(*weights))
      out.push_back(fmt::format(
          "the {} rows have an effective sample size of {:.1f} of {}, and {:.0f} % of their weight is in one row: a "
          "few rows decide, so look whether a weight is wrong; {}, while a limit on the weights costs bias",
          name, effective_sample_size(*weights), weights->size(), 100 * weights->maxCoeff() / weights->sum(), cure));
  return out;
}

}  // namespace pathline
