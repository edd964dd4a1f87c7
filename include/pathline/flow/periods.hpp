/// \file
/// Columns that repeat, such as an angle.
#pragma once

#include <vector>

#include "pathline/core/types.hpp"
#include "pathline/transform/bounds.hpp"

namespace pathline {

/// A flow has the density p_R of a column on the real line. That of a column of period P is the wrapped density
/// (Mardia and Jupp, Directional Statistics, section 3.5.7)
///
///     p(x) = sum_k p_R(x + k P),
///
/// whose integral over one period is that of p_R over the line, 1. Here p_R is 0 outside of bounds P < high - low <= 2
/// P and vanishes toward them: the sum has one or two terms and is exact, and p is continuous at every place of the
/// circle, the seam included. A point of p periodic columns has up to 2^p images, which are evaluated one by one.
///
/// To train p_R, each x is moved at random to one of its images (`unfold`): to the image at u = x + k P - low with
/// the probability w(u) = sin^2(pi u / P) for u < P / 2, 1 up to u = P, cos^2(pi u / P) beyond. These add up to 1 over
/// the images, so that p_R(x) = p(x) w(x - low) is a smooth function whose wrapped density is p. The loss of the
/// unfolded data is an upper bound of that of the folded (the Kullback-Leibler divergence of a function of x is not
/// larger).
class Periods {
 public:
  /// The width of the bounds that `unfold` fills, in periods.
  static constexpr double kWidth = 1.5;

  /// start, length: d. A column of length P > 0 has its values in [start, start + P); length 0: not periodic. bounds:
  /// those of the flow. Throws InputError that names the column (counted from 1) for other numbers, and for bounds of
  /// another width.
  Periods(Vector<double> start, Vector<double> length, const Bounds<double>& bounds);

  const Vector<double>& start() const { return start_; }
  const Vector<double>& length() const { return length_; }

  /// Moves x (d x N) to [start, start + P).
  void fold(Matrix<double>& x) const;
  /// Moves x to the period in the middle of the bounds, where p_R is largest.
  void fold_to_centre(Matrix<double>& x) const;
  /// Moves x to the image that u in [0, 1) (d x N) chooses by the probabilities above.
  void unfold(Matrix<double>& x, ConstMatrixRef<double> u) const;

  struct Image {
    Matrix<double> x;           ///< d x n, within the bounds in every periodic column
    std::vector<Index> points;  ///< n: which of the points these are images of
  };
  /// The images of x (d x N). The first are those of fold_to_centre, of all points in their order.
  std::vector<Image> images(ConstMatrixRef<double> x) const;

 private:
  double other_image(double x, Index column) const;

  Vector<double> start_, length_, low_, high_;  ///< d
};

}  // namespace pathline
