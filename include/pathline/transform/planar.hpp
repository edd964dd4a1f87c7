/// \file
/// The planar flow (Rezende & Mohamed 2015).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/transform/explicit_transform.hpp"

namespace pathline {

/// y = z + u' tanh(w^T z + b) with log|det| = log(1 + (1 - tanh^2) w^T u') (their eqs. 10 to 12), where
/// u' = u + (m(w^T u) - w^T u) w / |w|^2 and m(x) = -1 + log(1 + e^x) keep w^T u' > -1 and the map invertible (their
/// appendix A.1). The inverse, for which the paper has no formula, needs one root of a monotone function of one
/// variable: a + (w^T u') tanh(a) = w^T y + b for a = w^T z + b. Parameters: w, u, b.
template <class S> class Planar final : public ExplicitTransform<S> {
 public:
  explicit Planar(Index dim);  ///< the identity, with w = (1, ..., 1) / sqrt(d)

  std::unique_ptr<Transform<S>> clone() const override { return std::make_unique<Planar>(*this); }
  std::string kind() const override { return "planar"; }
  /// w and b standard normal, w over sqrt(d), and u such that the map is `strength` times a normal number along w.
  void initialize(Engine& engine, double strength = 0.1);

  Index parameter_count() const override { return 2 * this->dim() + 1; }
  std::vector<Parameter> parameters() const override;
  Vector<double> theta() const override;
  void set_theta(ConstVectorRef<double> theta) override;

  Vector<double> w, u;  ///< d; w must not be 0
  double b = 0;

 protected:
  void forward(const Matrix<double>& z, Matrix<double>& y, RowVector<double>& log_det) const override;
  Matrix<double> inverse(const Matrix<double>& y) const override;
  Matrix<double> pull(const Matrix<double>& z, const Matrix<double>& y_bar, const RowVector<double>& l_bar,
                      VectorRef<double> theta_bar) const override;
  Matrix<double> solve_transpose(const Matrix<double>& z, const Matrix<double>& v) const override;

 private:
  double along() const;              ///< w^T u', > -1
  Vector<double> direction() const;  ///< u'
};

extern template class Planar<float>;
extern template class Planar<double>;

}  // namespace pathline
