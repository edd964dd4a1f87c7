/// \file
/// y = readout(h1), h1 the hidden state that starts at h0(x): the common part of a residual network and a Neural ODE.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/field/vector_field.hpp"
#include "pathline/regression/loss.hpp"

namespace pathline {

/// How x becomes the first hidden state and the last one becomes y. The hidden state has d components.
struct RegressorOptions {
  Index inputs = 1, outputs = 1;  ///< >= 1
  /// pad: h0 = (x, 0, ..., 0), the augmented dimensions of Dupont et al. 2019, d >= inputs. linear: h0 = W x + b.
  enum class Lift { pad, linear };
  Lift lift = Lift::pad;
  /// first: y is the first components of h1, d >= outputs. linear: y = W h1 + b.
  enum class Readout { first, linear };
  Readout readout = Readout::linear;
};

/// The loss of a batch with its derivatives.
struct RegressionGradient {
  double loss = 0;
  Vector<double> theta;  ///< P
  Matrix<double> x;      ///< inputs x B
};

/// A regression model. Predicting keeps memory in the object: each thread needs its own.
template <class S> class Regressor {
 public:
  virtual ~Regressor() = default;

  const RegressorOptions& options() const { return options_; }
  Index dim() const { return dim_; }  ///< d, of the hidden state
  /// The parameters as one vector: "lift.weight", "lift.bias", those of the hidden layers, "readout.weight",
  /// "readout.bias"; a matrix row by row.
  std::vector<Parameter> parameters() const;
  Vector<double> theta() const;
  void set_theta(ConstVectorRef<double> theta);
  /// Weights and biases of the lift and the readout uniform in +-1/sqrt(fan-in). The fields are the caller's.
  void initialize(Engine& engine);

  /// y, m x B, of x, n x B. Throws InputError for another number of rows, NumericalError if an ODE solve fails.
  Matrix<S> predict(ConstMatrixRef<S> x);
  /// The loss and its gradient; y is m x B.
  const RegressionGradient& gradient(ConstMatrixRef<S> x, ConstMatrixRef<S> y, const RegressionLoss& loss);

 protected:
  Regressor(const RegressorOptions& options, Index dim);  ///< InputError for sizes that do not fit

  virtual std::vector<Parameter> hidden_parameters() const = 0;
  virtual Vector<double> hidden_theta() const = 0;
  virtual void set_hidden_theta(ConstVectorRef<double> theta) = 0;
  /// The last hidden state, d x B, from the first, and what `reverse` needs.
  virtual const Matrix<S>& advance(const Matrix<S>& h0) = 0;
  /// Applies the transpose of the last advance: h_bar, d x B, in place; theta_bar is added to.
  virtual void reverse(Matrix<S>& h_bar, VectorRef<double> theta_bar) = 0;

 private:
  struct Linear {
    Matrix<S> weight;  ///< empty if there is none
    Vector<S> bias;
    Index size() const { return weight.size() + bias.size(); }
  };
  void check_rows(ConstMatrixRef<S> x) const;
  Matrix<S> lift(ConstMatrixRef<S> x) const;
  Matrix<S> read_out(const Matrix<S>& h) const;

  RegressorOptions options_;
  Index dim_;
  Linear lift_, readout_;
  RegressionGradient gradient_;
};

extern template class Regressor<float>;
extern template class Regressor<double>;

}  // namespace pathline
