/// \file
/// The multilayer network of FFJORD (Grathwohl et al. 2019): time-conditioned layers with an activation between.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/field/activation.hpp"
#include "pathline/field/layer_type.hpp"
#include "pathline/field/vector_field.hpp"

namespace pathline {

inline constexpr Index kMostHiddenLayers = 31;

struct MlpOptions {
  Index dim = 2;                             ///< d, >= 1
  Index condition_dim = 0;                   ///< dc: the condition enters every layer
  /// widths, each >= 1, at most kMostHiddenLayers of them; none gives a linear field
  std::vector<Index> hidden = {64, 64, 64};
  LayerType layer = LayerType::concatsquash;
  Activation activation = Activation::tanh;
  bool residual = false;    ///< hidden layers of equal width add their input to their output
  Index time_features = 0;  ///< K, in [0, kMostTimeFeatures]: time enters as t and sin, cos of 2 pi j t, j = 1 ... K
  /// True: only the first layer depends on the time; the others are of type ignore.
  bool time_at_input = false;
};

/// Parameters are named as in FFJORD's state dict without its prefix: "layers.0._layer.weight", ...
template <class S> class Mlp final : public VectorField<S> {
 public:
  explicit Mlp(const MlpOptions& options);  ///< theta = 0; InputError for an option out of its range
  ~Mlp() override;
  std::unique_ptr<VectorField<S>> clone() const override;
  std::string kind() const override { return "mlp"; }
  Attributes describe() const override;  ///< the options

  /// torch's default: weights and biases uniform in +-1/sqrt(fan-in); hyper layers as FFJORD's. With scale_last = 0 the
  /// field begins at zero and the flow at the identity.
  void initialize(Engine& engine, double scale_last = 1);
  bool set_zero() override;

  void value(const FieldPoint<S>& x, MatrixRef<S> f, Workspace<S>& w) const override;
  void tangents(const FieldPoint<S>& x, const TangentDirections<S>& e, MatrixRef<S> f, MatrixRef<S> je,
                Workspace<S>& w) const override;
  void pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, ConstMatrixRef<S> f_bar,
                ConstMatrixRef<S> je_bar, FieldCotangent<S> out, Workspace<S>& w) const override;
  void tangents_and_pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, CotangentRule<S>& rule,
                             MatrixRef<S> f, MatrixRef<S> je, FieldCotangent<S> out, Workspace<S>& w) const override;
  /// True with two hidden layers or fewer: the trace is then a bilinear form in the layers' slopes and costs one more
  /// product of the second layer's size, whatever the dimension (src/field/bilinear_trace.hpp has the formula).
  bool has_trace() const override { return options_.hidden.size() <= 2; }
  void value_and_trace(const FieldPoint<S>& x, MatrixRef<S> f, MatrixRef<S> trace, Workspace<S>& w) const override;
  void trace_and_pullback(const FieldPoint<S>& x, CotangentRule<S>& rule, MatrixRef<S> f, MatrixRef<S> trace,
                          FieldCotangent<S> out, Workspace<S>& w) const override;
  double flops(const TangentDirections<S>& e) const override;
  double pullback_flops(const TangentDirections<S>& e) const override;

  const MlpOptions& options() const { return options_; }

 private:
  struct Tape;
  struct TracePullback;
  enum class Keep { nothing, for_pullback };
  enum class Slopes { no, yes };
  void theta_changed() override;
  Tape forward(const FieldPoint<S>& x, const TangentDirections<S>& e, Keep keep, Slopes slopes, Workspace<S>& w) const;
  void reverse(const Tape& tape, const FieldPoint<S>& x, const TangentDirections<S>& e, const TracePullback* trace,
               S* bars, FieldCotangent<S> to, Workspace<S>& w) const;
  bool skips(std::size_t layer) const;  ///< has a residual connection

  MlpOptions options_;
  struct Layers;
  std::unique_ptr<Layers> layers_;
  Index beta_ = -1;  ///< offset of swish's beta
};

extern template class Mlp<float>;
extern template class Mlp<double>;

}  // namespace pathline
