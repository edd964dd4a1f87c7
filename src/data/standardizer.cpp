#include "pathline/data/standardizer.hpp"

#include <cmath>

#include "data/column_label.hpp"
#include "pathline/core/error.hpp"

namespace pathline {

Standardizer fit_standardizer(ConstMatrixRef<double> x, const std::vector<std::string>& columns,
                              ConstantColumns constant, const RowVector<double>& weights) {
  if (x.cols() < 2) throw InputError("rows = " + std::to_string(x.cols()) + ": must be >= 2 to standardize");
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
    if (!varies && constant == ConstantColumns::refuse)
      throw InputError(where + " is constant (" + std::to_string(x(i, 0)) +
                       "): a constant column has no density; leave it out (SourceOptions.columns)");
    s.scale(i) = varies || !std::isfinite(s.mean(i)) ? deviation(i) : 1;
    if (!(s.scale(i) > 0 && std::isfinite(s.scale(i))))
      throw InputError(where + ": standard deviation " + std::to_string(s.scale(i)) + " must be finite and > 0");
  }
  return s;
}

}  // namespace pathline
