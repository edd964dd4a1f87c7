/// \file
/// A residual network: Euler's method whose steps are layers (He et al. 2016; Haber & Ruthotto 2018).
#pragma once

#include <memory>
#include <vector>

#include "pathline/regression/regressor.hpp"

namespace pathline {

struct ResidualOptions {
  RegressorOptions regressor = {};
  Index blocks = 3;  ///< K, >= 1
  double step = 1;   ///< dt, finite and not 0
  double t0 = 0;     ///< block k sees the time t0 + k dt, if its field depends on time
};

/// h_{k+1} = h_k + dt f_k(t_k, h_k) for k = 0 ... K - 1, trained by ordinary backpropagation,
///   a_k = a_{k+1} (I + dt df_k/dh_k),  dL/dtheta_k += dt a_{k+1} df_k/dtheta_k.
/// With one field for all blocks and dt = T / K this is Euler's method for dh/dt = f, and its backward recursion is
/// Euler's method for the adjoint equation.
template <class S> class ResidualNetwork final : public Regressor<S> {
 public:
  /// fields: K of one dimension without a condition, or one that all blocks share. They are shared with the caller.
  explicit ResidualNetwork(std::vector<std::shared_ptr<VectorField<S>>> fields, const ResidualOptions& options = {});

  Index blocks() const { return blocks_; }
  bool shares_weights() const { return fields_.size() == 1; }

 protected:
  /// "blocks.<k>.<name>", or the field's own names if all blocks share it.
  std::vector<Parameter> hidden_parameters() const override;
  Vector<double> hidden_theta() const override;
  void set_hidden_theta(ConstVectorRef<double> theta) override;
  const Matrix<S>& advance(const Matrix<S>& h0) override;
  void reverse(Matrix<S>& h_bar, VectorRef<double> theta_bar) override;

 private:
  const VectorField<S>& field(Index k) const { return *fields_[fields_.size() == 1 ? 0 : static_cast<std::size_t>(k)]; }
  double time(Index k) const { return t0_ + static_cast<double>(k) * step_; }

  std::vector<std::shared_ptr<VectorField<S>>> fields_;
  Index blocks_;
  double step_, t0_;
  std::vector<Matrix<S>> h_;  ///< K + 1 states, d x B
  Matrix<S> rate_, rate_bar_, no_condition_;
  std::vector<Vector<S>> theta_bar_;  ///< a field each
  Workspace<S> workspace_;
};

extern template class ResidualNetwork<float>;
extern template class ResidualNetwork<double>;

}  // namespace pathline
