/// \file
/// A Neural ODE: y = readout(ODESolve(f, h0(x))) (Chen, Rubanova, Bettencourt & Duvenaud 2018).
#pragma once

#include <memory>
#include <vector>

#include "pathline/adjoint/odeint.hpp"
#include "pathline/regression/regressor.hpp"

namespace pathline {

struct NeuralOdeOptions {
  RegressorOptions regressor = {};
  double t0 = 0, t1 = 1;  ///< finite and different
  OdeintOptions solve = {};
};

/// The hidden state follows dh/dt = f(t, h) from t0 to t1. Augmented dimensions (Dupont, Doucet & Teh 2019) are a field
/// of more dimensions than x has, with RegressorOptions::Lift::pad:
///
/// \code
///     auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = 2 + 3, .hidden = {20}, .layer =
///     LayerType::concat}); NeuralOde<double> model(field, {.regressor = {.inputs = 2, .outputs = 1}});  // three
///     dimensions more
/// \endcode
template <class S> class NeuralOde final : public Regressor<S> {
 public:
  /// Shares the field, which has no condition, with the caller.
  explicit NeuralOde(std::shared_ptr<VectorField<S>> field, const NeuralOdeOptions& options = {});

  const VectorField<S>& field() const { return *field_; }
  const SolveReport& report() const { return ode_.report(); }  ///< of the last prediction

 protected:
  std::vector<Parameter> hidden_parameters() const override { return field_->parameters(); }
  Vector<double> hidden_theta() const override { return field_->theta().template cast<double>(); }
  void set_hidden_theta(ConstVectorRef<double> theta) override { field_->set_theta(theta.template cast<S>()); }
  const Matrix<S>& advance(const Matrix<S>& h0) override;
  void reverse(Matrix<S>& h_bar, VectorRef<double> theta_bar) override;

 private:
  std::shared_ptr<VectorField<S>> field_;
  std::vector<double> times_;
  Odeint<S> ode_;
  Matrix<S> h1_, states_bar_;
};

extern template class NeuralOde<float>;
extern template class NeuralOde<double>;

}  // namespace pathline
