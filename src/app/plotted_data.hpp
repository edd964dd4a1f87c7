// The data that a picture shows with a model: those of the training, or of --data.
#pragma once

#include <string>

#include "app/plot_flags.hpp"
#include "pathline/data/toy.hpp"

namespace pathline {

struct PlottedData {
  Matrix<double> x;                // d x N; no columns if there are none
  RowVector<double> weights = {};  // 1 x N; empty: all are equal
  Matrix<double> judged;           // the held-out points, each row once, from which the figure in the title is computed
  RowVector<double> judged_weights = {};
  const Toy* toy = nullptr;
  std::string source = {}, judged_by = "NLL";
  std::string label = "data";  // of a slice, "data with mass in [90, 91]"

  // Draws `most` of the points with probabilities proportional to their weights.
  Matrix<double> resampled(Index most, std::uint64_t seed) const;
};

// For a model with a condition, the rows with nearly the same condition. A table that is named by the model but not on the
// command line is opened only for the directory of a run.
PlottedData plotted_data(const PlotFlags& flags, const ModelCard& card, Index dim, const Matrix<double>& condition);

}  // namespace pathline
