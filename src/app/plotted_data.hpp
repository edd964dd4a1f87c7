// The data that a picture shows beside a model: those of the training, or of --data.
#pragma once

#include <string>

#include "app/plot_flags.hpp"
#include "pathline/data/toy.hpp"

namespace pathline {

struct PlottedData {
  Matrix<double> x;                // d x N; no columns if there are none
  RowVector<double> weights = {};  // 1 x N; empty: all are equal
  Matrix<double> judged;           // the points of the number in the title: held out, each row once
  RowVector<double> judged_weights = {};
  const Toy* toy = nullptr;
  std::string source = {}, judged_by = "NLL";
  std::string label = "data";  // of a slice, "data with mass in [90, 91]"

  // The same points, each as often as its weight says; `most` of them.
  Matrix<double> resampled(Index most, std::uint64_t seed) const;
};

// Of a model with a condition, those with nearly the same condition. A table that the model names, but the command line
// does not, is opened only for the directory of a run.
PlottedData plotted_data(const PlotFlags& flags, const ModelCard& card, Index dim, const Matrix<double>& condition);

}  // namespace pathline
