// One affine layer whose coefficients depend on time: at a given t it is a = gate * (W x + C c) + shift.
#pragma once

#include <functional>
#include <string>

#include "core/product.hpp"
#include "pathline/core/types.hpp"
#include "pathline/core/workspace.hpp"
#include "pathline/field/layer_type.hpp"

namespace pathline {

// It is on the stack, so that an evaluation allocates no memory.
template <class S> using TimeVector = Eigen::Matrix<S, Eigen::Dynamic, 1, 0, 1 + 2 * kMostTimeFeatures, 1>;

// u(t) = (t, sin 2 pi t, cos 2 pi t, sin 4 pi t, ...), which has 1 + 2 K elements, and its derivative.
template <class S> struct TimeFeatures {
  TimeVector<S> value, derivative;
  TimeFeatures(double t, Index frequencies);
};

template <class S> class TimeLayer {
 public:
  using AddParameter = std::function<Index(const std::string& name, Index rows, Index cols, bool decays)>;
  TimeLayer(LayerType type, Index in, Index out, Index condition, Index features, const std::string& name,
            const AddParameter& add);

  // The layer at one time. The arrays are valid as long as the layer and the workspace frame.
  struct Coefficients {
    LeftFactor<S> weight;       // W: out x in
    const S* gate;              // out
    const S* shift;             // out
    const S* bias;              // out: shift = gate * bias + ...
    const S* hidden = nullptr;  // hyper: 8
  };
  Coefficients at(double t, const TimeFeatures<S>& u, const S* theta, Workspace<S>& w) const;

  // Whether W and the gate are the same at all times; weight() then is W.
  bool constant_slope() const {
    return type_ == LayerType::ignore || type_ == LayerType::concat || type_ == LayerType::concat_v2;
  }
  bool gated() const { return type_ == LayerType::squash || type_ == LayerType::concatsquash; }
  LeftFactor<S> weight(const S* theta) const;  // not for hyper and blend

  // Returns where to add dL/dW, in x out with contiguous columns as in theta: a part of theta_bar, or a scratch array
  // of zeros that pullback() distributes to the parameters.
  S* weight_cotangent(S* theta_bar, Workspace<S>& w) const;

  // Maps the cotangents of W, gate (overwritten) and shift to those of the parameters, u and t, which are added to.
  void pullback(double t, const TimeFeatures<S>& u, const Coefficients& c, const S* theta, const S* weight_bar,
                S* gate_bar, const S* shift_bar, S* theta_bar, TimeVector<S>& u_bar, double& t_bar) const;

  void theta_changed(const S* theta);  // stores W in the order that at() returns

  Index in() const { return in_; }
  Index out() const { return out_; }
  Index condition() const { return condition_; }
  Index condition_weight() const { return condition_weight_; }  // offset of C: out x dc, row-major
  LayerType type() const { return type_; }

 private:
  bool shifted() const { return type_ == LayerType::concat_v2 || type_ == LayerType::concatsquash; }

  LayerType type_;
  Index in_, out_, condition_, features_;
  // Offsets in theta; -1 for a parameter that the layer type does not have.
  Index weight_ = -1, bias_ = -1, weight1_ = -1, bias1_ = -1, gate_weight_ = -1, gate_bias_ = -1, shift_weight_ = -1,
        condition_weight_ = -1, hyper_weight0_ = -1, hyper_bias0_ = -1, hyper_weight_ = -1, hyper_bias_ = -1;
  Vector<S> ones_;
  Matrix<S> weight_columns_;  // W: out x in
  Matrix<S> weight_rows_;     // W^T: in x out, if theta has columns of time in between
};

}  // namespace pathline
