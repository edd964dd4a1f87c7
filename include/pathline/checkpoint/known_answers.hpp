/// \file
/// What a model file states about itself, so that a changed model is detected without its data.
#pragma once

#include "pathline/flow/flow.hpp"

namespace pathline {

/// A few points with the log-density that the model had when it was written. `pathline verify` evaluates them again:
/// whoever changes a weight and corrects the digest of the file has not corrected these. They are no signature.
struct KnownAnswers {
  Matrix<double> points;          ///< d x n
  Matrix<double> condition;       ///< dc x n
  RowVector<double> log_density;  ///< 1 x n, nats, by known_log_prob()
};

/// The mean of -log p on held-out data at the end of the training, or of log q - log p~ over draws for a target, and
/// its standard error; nats.
struct TrainedFigure {
  double nll = 0, error = 0;
  bool of_target = false;
};

/// Six draws of the model and two points far from them, of fixed seeds, with their log-densities. There are fewer
/// points, or none, of a model whose density takes long, and none where a solve fails.
[[nodiscard]] KnownAnswers known_answers(const Flow<double>& flow);

/// The log-density in double at a tolerance of 1e-9, of x (d x N) and c (dc x N). Throws as Flow::log_prob.
[[nodiscard]] RowVector<double> known_log_prob(const Flow<double>& flow, ConstMatrixRef<double> x,
                                               ConstMatrixRef<double> c);

}  // namespace pathline
