/// \file
/// The losses of a regression or classification.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// - mse: the mean of (prediction - target)^2 over outputs and samples;
/// - weighted_mse: the mean of weight_i (prediction_i - target_i)^2, with a weight for each output;
/// - cross_entropy: the mean over the samples of -sum_i target_i log softmax_i(prediction), in nats; the predictions
///   are logits and the targets of a sample are probabilities, usually 1 for its class and 0 for the others.
enum class LossKind { mse, weighted_mse, cross_entropy };
[[nodiscard]] LossKind parse_loss(const std::string& name);  ///< InputError with the allowed names
[[nodiscard]] std::string to_string(LossKind kind);
[[nodiscard]] const std::vector<std::string>& loss_names();

struct RegressionLoss {
  LossKind kind = LossKind::mse;
  Vector<double> weights = {};  ///< m, each finite and >= 0, not all 0; for weighted_mse only

  /// Throws InputError for weights that do not fit m outputs.
  void check(Index outputs) const;
  /// Returns the loss and writes its derivative by the prediction. prediction, target, bar: m x B.
  template <class S> double operator()(ConstMatrixRef<S> prediction, ConstMatrixRef<S> target, MatrixRef<S> bar) const;
};

/// The targets of cross_entropy: column b is 1 at the row labels[b] and 0 elsewhere. Throws InputError for a label
/// outside of 0 ... classes - 1.
template <class S> [[nodiscard]] Matrix<S> one_hot(const std::vector<Index>& labels, Index classes);

}  // namespace pathline
