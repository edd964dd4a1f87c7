// Central differences of fourth order.
#pragma once

#include <array>

#include "pathline/core/types.hpp"

namespace pathline {

// f'(0) = (f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12h; the error is h^4 f'''''/30.
class Differences {
 public:
  explicit Differences(double h) : h_(h) {}
  static constexpr Index count() { return 4; }
  double offset(Index k) const { return kOffset[static_cast<std::size_t>(k)] * h_; }
  // values: n x 4, one column per offset.
  Vector<double> derivative(const Matrix<double>& values) const {
    return (values.col(0) - values.col(3) + 8 * (values.col(2) - values.col(1))) / (12 * h_);
  }

 private:
  static constexpr std::array<double, 4> kOffset{-2, -1, 1, 2};
  double h_;
};

}  // namespace pathline
