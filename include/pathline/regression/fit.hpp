/// \file
/// Training a regression model on pairs (x, y).
#pragma once

#include <cstdint>
#include <vector>

#include "pathline/optim/minimize.hpp"
#include "pathline/regression/regressor.hpp"

namespace pathline {

struct FitOptions {
  MinimizeOptions optimizer = {};
  Index batch = 0;         ///< >= 0: samples per iteration, drawn with replacement; 0: all
  std::uint64_t seed = 0;  ///< of the batches
};

/// Trains the model on x (n x B) and y (m x B) and returns the loss of each iteration's batch before its step. Throws
/// NumericalError if a solve fails or the loss is not finite; the model then has the parameters of the last step.
template <class S> std::vector<double> fit(Regressor<S>& model, const Matrix<S>& x, const Matrix<S>& y,
                                           const RegressionLoss& loss, const FitOptions& options);

/// 1 for each parameter on which weight decay acts, 0 for the others.
[[nodiscard]] Vector<double> decay_mask(const std::vector<Parameter>& parameters);

extern template std::vector<double> fit<float>(Regressor<float>&, const Matrix<float>&, const Matrix<float>&,
                                               const RegressionLoss&, const FitOptions&);
extern template std::vector<double> fit<double>(Regressor<double>&, const Matrix<double>&, const Matrix<double>&,
                                                const RegressionLoss&, const FitOptions&);

}  // namespace pathline
