#include "pathline/data/standardizer.hpp"

#include <cmath>

#include <fmt/format.h>

#include "data/column_label.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

void refuse_constant(ConstMatrixRef<double> x, const std::vector<std::string>& columns) {
  constexpr std::size_t kMost = 8;
  std::vector<std::string> found;
  for (Index i = 0; i < x.rows(); ++i)
    if (x.row(i).minCoeff() == x.row(i).maxCoeff())
      found.push_back(fmt::format("{} is constant ({:g})", column_label(i, columns), x(i, 0)));
  if (found.empty()) return;
  if (found.size() > kMost)
    found[kMost - 1] = fmt::format("so are {} others", found.size() - kMost + 1), found.resize(kMost);
  throw InputError(fmt::format("{}: a constant column has no density; leave it out (SourceOptions.columns)",
                               fmt::join(found, ", ")));
}

}  // namespace

Standardizer fit_standardizer(ConstMatrixRef<double> x, const std::vector<std::string>& columns,
                              ConstantColumns constant, const RowVector<double>& weights) {
  if (x.cols() < 2) throw InputError("rows = " + std::to_string(x.cols()) + ": must be >= 2 to standardize");
  if (constant == ConstantColumns::refuse) refuse_constant(x, columns);
  const bool weighted = weights.size() > 0;
  const RowVector<double> share = weighted ? RowVector<double>(weights / weights.sum()) : RowVector<double>();
  Standardizer s{weighted ? Vector<double>(x * share.transpose()) : Vector<double>(x.rowwise().mean()),
                 Vector<double>(x.rows())};
  const auto deviation = [&](Index i) {
    const auto squares = (x.row(i).array() - s.mean(i)).square();
    return std::sqrt(weighted ? (squares * share.array()).sum() : squares.mean());
  };
  for (Index i = 0; i < x.rows(); ++i) {
    const std::string where = column_label(i, columns);
    const bool varies = x.row(i).minCoeff() != x.row(i).maxCoeff();
    s.scale(i) = varies || !std::isfinite(s.mean(i)) ? deviation(i) : 1;
    if (!(s.scale(i) > 0 && std::isfinite(s.scale(i))))
      throw InputError(fmt::format("{}: standard deviation {:g} must be finite and > 0", where, s.scale(i)));
  }
  return s;
}

}  // namespace pathline
