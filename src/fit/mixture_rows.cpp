#include "fit/mixture_rows.hpp"

#include <cmath>

#include "core/option_check.hpp"

namespace pathline {

MixtureRows::MixtureRows(ConstMatrixRef<double> rows, ConstVectorRef<double> weights, int threads)
    : rows_(rows), weights_(weights), threads_(threads) {
  if (weights_.size() == 0) weights_ = Vector<double>::Ones(rows.cols());
  require(weights_.size() == rows.cols(), "weights", weights_.size(), "as many as rows");
  require(rows_.allFinite(), "rows", "a value", "finite");
  require(rows.cols() == 0 || (weights_.minCoeff() >= 0 && std::isfinite(weights_.sum()) && weights_.sum() > 0),
          "weights", weights_.sum(), "finite and >= 0, with a positive sum");
}

MixtureRows MixtureRows::some(const std::vector<Index>& which) const {
  return {rows_(Eigen::all, which), weights_(which), threads_};
}

}  // namespace pathline
