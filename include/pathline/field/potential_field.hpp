/// \file
/// Minus the gradient of a potential: OT-Flow (Onken, Fung, Li & Ruthotto 2021).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/field/vector_field.hpp"

namespace pathline {

struct PotentialFieldOptions {
  Index dim = 2;            ///< d, >= 1
  Index condition_dim = 0;  ///< dc
  Index width = 32;         ///< m, >= 1
  Index layers = 2;         ///< L, >= 1
  Index rank = 10;          ///< of the quadratic part's factor, >= 1; at most d + 1 + dc is used
};

/// f(t, z; c) = -grad_z Phi(s), s = (z, t, c) of n components, with
///   Phi(s) = w^T u_{L-1}(s) + |A s|^2 / 2 + b^T s,
///   u_0 = sigma(K_0 s + b_0), u_i = u_{i-1} + h sigma(K_i u_{i-1} + b_i), h = 1 / (L - 1), sigma(x) = log(e^x + e^-x)
/// (their section 3, eqs. 9 and 10). The Hessian applied to the directions comes with the gradient in one pass, in
/// closed form: with identity directions its diagonal is the Laplacian.
template <class S> class PotentialField final : public VectorField<S> {
 public:
  explicit PotentialField(const PotentialFieldOptions& options);  ///< theta = 0; InputError for a size below 1
  std::unique_ptr<VectorField<S>> clone() const override;
  std::string kind() const override { return "potential"; }
  Attributes describe() const override;  ///< the options

  /// Weights uniform in +-1/sqrt(fan-in), the output's w at 1 / sqrt(m).
  void initialize(Engine& engine);

  bool has_potential() const override { return true; }
  void value(const FieldPoint<S>& x, MatrixRef<S> f, Workspace<S>& w) const override;
  void tangents(const FieldPoint<S>& x, const TangentDirections<S>& e, MatrixRef<S> f, MatrixRef<S> je,
                Workspace<S>& w) const override;
  void pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, ConstMatrixRef<S> f_bar,
                ConstMatrixRef<S> je_bar, FieldCotangent<S> out, Workspace<S>& w) const override;
  void tangents_and_pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, CotangentRule<S>& rule,
                             MatrixRef<S> f, MatrixRef<S> je, FieldCotangent<S> out, Workspace<S>& w) const override;
  double flops(const TangentDirections<S>& e) const override;
  double pullback_flops(const TangentDirections<S>& e) const override;

  /// Phi: 1 x B.
  void potential(const FieldPoint<S>& x, MatrixRef<S> phi, Workspace<S>& w) const;

  const PotentialFieldOptions& options() const { return options_; }

 private:
  struct Tape;
  Index inputs() const { return options_.dim + 1 + options_.condition_dim; }
  using RowMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<const RowMajor> weight(Index layer) const {  ///< K_layer
    return {this->theta().data() + weight_[static_cast<std::size_t>(layer)], options_.width,
            layer == 0 ? inputs() : options_.width};
  }
  Tape forward(const FieldPoint<S>& x, const TangentDirections<S>& e, Workspace<S>& w) const;
  void write(const Tape& tape, MatrixRef<S> f, MatrixRef<S> je) const;
  void reverse(const Tape& tape, ConstMatrixRef<S> f_bar, ConstMatrixRef<S> je_bar, FieldCotangent<S> to,
               Workspace<S>& w) const;

  PotentialFieldOptions options_;
  std::vector<Index> weight_, bias_;  ///< offsets, a layer each
  Index output_ = 0, factor_ = 0, linear_ = 0;
};

extern template class PotentialField<float>;
extern template class PotentialField<double>;

}  // namespace pathline
