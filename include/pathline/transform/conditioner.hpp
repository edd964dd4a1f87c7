/// \file
/// The network of a coupling layer: from the columns that stay to the parameters of the map of the others.
#pragma once

#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/field/activation.hpp"
#include "pathline/field/vector_field.hpp"

namespace pathline {

struct ConditionerOptions {
  Index in = 1, out = 1;                      ///< in >= 0: without inputs it is a trained constant
  std::vector<Index> hidden = {64, 64};       ///< widths of the hidden layers
  Activation activation = Activation::swish;  ///< swish with beta = 1: it has no parameter here
  bool residual = false;                      ///< hidden layers of equal width add their input to their output
};

/// A plain or residual multilayer network, h_l = s(W_l h_{l-1} + b_l) [+ h_{l-1}], whose last layer is affine. It is a
/// value; the const functions may run on several threads at once.
template <class S> class Conditioner {
 public:
  /// All zeros. Throws InputError for a width below 1.
  explicit Conditioner(const ConditionerOptions& options);

  /// Uniform in +-1 / sqrt(inputs) as torch.nn.Linear; the last layer is 0, so that the output is 0 everywhere.
  void initialize(Engine& engine);

  const ConditionerOptions& options() const { return options_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }  ///< "layers.0.weight", "layers.0.bias"
  Index parameter_count() const { return theta_.size(); }
  const Vector<S>& theta() const { return theta_; }
  void set_theta(ConstVectorRef<double> theta);

  /// The number of scalars that one pass needs for a batch.
  Index memory_size(Index batch) const;
  /// Writes y (out x B) of x (in x B), both contiguous. `memory` keeps what the pullback needs.
  void forward(const S* x, Index batch, S* y, S* memory) const;
  /// The transpose of forward() with the same x and memory: overwrites x_bar (in x B) and adds to theta_bar unless it is null.
  void pullback(const S* x, Index batch, const S* memory, const S* y_bar, S* x_bar, S* theta_bar,
                Workspace<S>& w) const;

 private:
  struct Layer {
    Index in, out, weight, bias;  // offsets in theta; W: out x in, row-major
    bool skips;
    Matrix<S> columns;  // W with contiguous columns
  };
  struct Pass;
  std::vector<Pass> passes(Index batch, S* memory) const;

  ConditionerOptions options_;
  std::vector<Parameter> parameters_;
  Vector<S> theta_, ones_;
  std::vector<Layer> layers_;
};

extern template class Conditioner<float>;
extern template class Conditioner<double>;

}  // namespace pathline
