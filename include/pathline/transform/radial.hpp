/// \file
/// The radial flow (Rezende & Mohamed 2015).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/transform/explicit_transform.hpp"

namespace pathline {

/// y = z + beta (z - z0) / (alpha + r) with r = |z - z0| (their eqs. 13 and 14), and
///   log|det| = (d - 1) log(1 + beta / (alpha + r)) + log(1 + alpha beta / (alpha + r)^2).
/// alpha = e^a > 0 and beta = -alpha + log(1 + e^b) > -alpha keep the map invertible (their appendix A.2). The inverse
/// has a closed form: r is the positive root of r^2 + (alpha + beta - rho) r - alpha rho = 0, rho = |y - z0|.
/// Parameters: z0, a, b.
template <class S> class Radial final : public ExplicitTransform<S> {
 public:
  explicit Radial(Index dim);  ///< the identity about 0, with alpha = 1

  std::unique_ptr<Transform<S>> clone() const override { return std::make_unique<Radial>(*this); }
  std::string kind() const override { return "radial"; }
  /// z0 standard normal, beta about `strength` times a normal number.
  void initialize(Engine& engine, double strength = 0.1);

  Index parameter_count() const override { return this->dim() + 2; }
  std::vector<Parameter> parameters() const override;
  Vector<double> theta() const override;
  void set_theta(ConstVectorRef<double> theta) override;

  Vector<double> center;  ///< z0, d
  double a = 0, b;

 protected:
  void forward(const Matrix<double>& z, Matrix<double>& y, RowVector<double>& log_det) const override;
  Matrix<double> inverse(const Matrix<double>& y) const override;
  Matrix<double> pull(const Matrix<double>& z, const Matrix<double>& y_bar, const RowVector<double>& l_bar,
                      VectorRef<double> theta_bar) const override;
  Matrix<double> solve_transpose(const Matrix<double>& z, const Matrix<double>& v) const override;

 private:
  struct Shape;
  double alpha() const;
  double beta() const;
};

extern template class Radial<float>;
extern template class Radial<double>;

}  // namespace pathline
