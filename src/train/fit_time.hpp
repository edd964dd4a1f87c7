// Predicts how long the fit of a mixture takes, from the fits that were made.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

// The time is proportional to the number of components and of iterations. With many components it grows more slowly,
// because a row has a few near components only, so that a prediction from fewer components is too long rather than too short.
class FitTime {
 public:
  // Records a fit. Fits of another number of rows need another FitTime.
  void add(double seconds, Index components, Index iterations) {
    each_ = seconds / static_cast<double>(components * iterations);
  }
  bool known() const { return each_ > 0; }
  double of(Index components, Index iterations) const {
    return kMargin * each_ * static_cast<double>(components * iterations);
  }
  // The prediction for `ratio` times as many rows.
  FitTime scaled(double ratio) const {
    FitTime out = *this;
    out.each_ *= ratio;
    return out;
  }
  // The number of iterations that end within the seconds.
  Index iterations_within(double seconds, Index components) const {
    const double fit = seconds / (kMargin * each_ * static_cast<double>(components));
    return fit < 1e9 ? static_cast<Index>(fit) : Index(1e9);
  }

 private:
  static constexpr double kMargin = 1.2;
  double each_ = 0;  // seconds, of a component and an iteration
};

}  // namespace pathline
