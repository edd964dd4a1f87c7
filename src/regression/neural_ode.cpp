#include "pathline/regression/neural_ode.hpp"

#include <cmath>

#include "core/option_check.hpp"

namespace pathline {

template <class S> NeuralOde<S>::NeuralOde(std::shared_ptr<VectorField<S>> field, const NeuralOdeOptions& options)
    : Regressor<S>(options.regressor, field->dim()),
      field_(std::move(field)),
      times_{options.t0, options.t1},
      ode_(options.solve) {
  require(std::isfinite(options.t1) && options.t1 != options.t0, "t1", options.t1, "finite and different from t0");
  require(field_->condition_dim() == 0, "the field's condition_dim", field_->condition_dim(), "0");
}

template <class S> const Matrix<S>& NeuralOde<S>::advance(const Matrix<S>& h0) {
  const auto& states = ode_.solve(*field_, h0, times_);
  if (!ode_.report().ok()) throw NumericalError(ode_.report().advice());
  return h1_ = states.rightCols(h0.cols());
}

template <class S> void NeuralOde<S>::reverse(Matrix<S>& h_bar, VectorRef<double> theta_bar) {
  states_bar_.setZero(h_bar.rows(), 2 * h_bar.cols());
  states_bar_.rightCols(h_bar.cols()) = h_bar;
  const auto& g = ode_.pullback(*field_, states_bar_);
  h_bar = g.z0;
  theta_bar += g.theta.template cast<double>();
}

template class NeuralOde<float>;
template class NeuralOde<double>;

}  // namespace pathline
