#include "field/time_layer.hpp"

#include <cmath>
#include <numbers>

namespace pathline {
namespace {

constexpr Index kHyperWidth = 8;  // FFJORD's HyperLinear

template <class S> using RowMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class S> using Weight = Eigen::Map<const RowMajor<S>>;
template <class S> using WeightBar = Eigen::Map<RowMajor<S>>;

}  // namespace

template <class S> TimeFeatures<S>::TimeFeatures(double t, Index frequencies) {
  value.resize(1 + 2 * frequencies);
  derivative.resize(1 + 2 * frequencies);
  value[0] = static_cast<S>(t), derivative[0] = 1;
  for (Index j = 1; j <= frequencies; ++j) {
    const double omega = 2 * std::numbers::pi * static_cast<double>(j);
    const double sine = std::sin(omega * t), cosine = std::cos(omega * t);
    value[2 * j - 1] = static_cast<S>(sine), derivative[2 * j - 1] = static_cast<S>(omega * cosine);
    value[2 * j] = static_cast<S>(cosine), derivative[2 * j] = static_cast<S>(-omega * sine);
  }
}

template <class S> TimeLayer<S>::TimeLayer(LayerType type, Index in, Index out, Index condition, Index features,
                                           const std::string& name, const AddParameter& add)
    : type_(type), in_(in), out_(out), condition_(condition), features_(features), ones_(Vector<S>::Ones(out)) {
  switch (type) {
    case LayerType::hyper:
      hyper_weight0_ = add(name + "._hypernet.0.weight", kHyperWidth, features, true);
      hyper_bias0_ = add(name + "._hypernet.0.bias", kHyperWidth, 1, false);
      hyper_weight_ = add(name + "._hypernet.2.weight", out * (in + 1), kHyperWidth, true);
      hyper_bias_ = add(name + "._hypernet.2.bias", out * (in + 1), 1, false);
      break;
    case LayerType::blend:
      weight_ = add(name + "._layer0.weight", out, in, true);
      bias_ = add(name + "._layer0.bias", out, 1, false);
      weight1_ = add(name + "._layer1.weight", out, in, true);
      bias1_ = add(name + "._layer1.bias", out, 1, false);
      break;
    default:
      weight_ = add(name + "._layer.weight", out, type == LayerType::concat ? in + features : in, true);
      bias_ = add(name + "._layer.bias", out, 1, false);
  }
  if (shifted()) shift_weight_ = add(name + "._hyper_bias.weight", out, features, true);
  if (gated()) {
    const std::string gate = type == LayerType::squash ? "._hyper" : "._hyper_gate";
    gate_weight_ = add(name + gate + ".weight", out, features, true);
    gate_bias_ = add(name + gate + ".bias", out, 1, false);
  }
  if (condition > 0) condition_weight_ = add(name + "._condition.weight", out, condition, true);
}

template <class S> void TimeLayer<S>::theta_changed(const S* theta) {
  if (type_ == LayerType::hyper || type_ == LayerType::blend) return;
  if (type_ == LayerType::concat) {
    weight_columns_ = Weight<S>(theta + weight_, out_, features_ + in_).rightCols(in_);
    weight_rows_ = weight_columns_.transpose();
  } else {
    weight_columns_ = Weight<S>(theta + weight_, out_, in_);
  }
}

template <class S> LeftFactor<S> TimeLayer<S>::weight(const S* theta) const {
  return {out_, in_, weight_columns_.data(), type_ == LayerType::concat ? weight_rows_.data() : theta + weight_};
}

template <class S> typename TimeLayer<S>::Coefficients TimeLayer<S>::at(double t, const TimeFeatures<S>& u,
                                                                        const S* theta, Workspace<S>& w) const {
  Coefficients c;
  c.weight = weight(theta);
  c.gate = ones_.data();
  c.bias = theta + bias_;
  if (type_ == LayerType::hyper) {
    auto hidden = w.vector(kHyperWidth), all = w.vector(out_ * (in_ + 1));
    hidden.noalias() = Weight<S>(theta + hyper_weight0_, kHyperWidth, features_) * u.value;
    hidden = (hidden + ConstVectorMap<S>(theta + hyper_bias0_, kHyperWidth)).array().tanh();
    all = ConstVectorMap<S>(theta + hyper_bias_, all.size());
    all.noalias() += Weight<S>(theta + hyper_weight_, all.size(), kHyperWidth) * hidden;
    c.hidden = hidden.data(), c.bias = c.shift = all.data();
    c.weight.rows_first = all.data() + out_;
  } else if (type_ == LayerType::blend) {
    const S s = static_cast<S>(t);
    auto weight = w.vector(out_ * in_), bias = w.vector(out_);
    weight = (1 - s) * ConstVectorMap<S>(theta + weight_, weight.size()) +
             s * ConstVectorMap<S>(theta + weight1_, weight.size());
    bias = (1 - s) * ConstVectorMap<S>(theta + bias_, out_) + s * ConstVectorMap<S>(theta + bias1_, out_);
    c.bias = c.shift = bias.data();
    c.weight.rows_first = weight.data();
  }
  if (type_ == LayerType::hyper || type_ == LayerType::blend) {
    auto columns = w.matrix(out_, in_);
    columns = Weight<S>(c.weight.rows_first, out_, in_);
    c.weight.columns = columns.data();
    return c;
  }
  if (type_ == LayerType::ignore) {
    c.shift = c.bias;
    return c;
  }
  auto shift = w.vector(out_);
  shift = ConstVectorMap<S>(c.bias, out_);
  if (gated()) {
    auto gate = w.vector(out_);
    gate = ConstVectorMap<S>(theta + gate_bias_, out_);
    gate.noalias() += Weight<S>(theta + gate_weight_, out_, features_).lazyProduct(u.value);
    gate = (1 + (-gate.array()).exp()).inverse();
    shift.array() *= gate.array();
    c.gate = gate.data();
  }
  if (shifted()) shift.noalias() += Weight<S>(theta + shift_weight_, out_, features_).lazyProduct(u.value);
  if (type_ == LayerType::concat)
    shift.noalias() += Weight<S>(theta + weight_, out_, features_ + in_).leftCols(features_).lazyProduct(u.value);
  c.shift = shift.data();
  return c;
}

template <class S> S* TimeLayer<S>::weight_cotangent(S* theta_bar, Workspace<S>& w) const {
  if (type_ != LayerType::concat && type_ != LayerType::hyper && type_ != LayerType::blend) return theta_bar + weight_;
  auto scratch = w.matrix(in_, out_);
  scratch.setZero();
  return scratch.data();
}

template <class S> void TimeLayer<S>::pullback(double t, const TimeFeatures<S>& u, const Coefficients& c,
                                               const S* theta, const S* weight_bar, S* gate_bar, const S* shift_bar,
                                               S* theta_bar, TimeVector<S>& u_bar, double& t_bar) const {
  const ConstVectorMap<S> shift_b(shift_bar, out_);
  if (type_ == LayerType::hyper) {
    const ConstVectorMap<S> hidden(c.hidden, kHyperWidth), weight_b(weight_bar, in_ * out_);
    const Weight<S> weight(theta + hyper_weight_, out_ * (in_ + 1), kHyperWidth);
    WeightBar<S> weight_out(theta_bar + hyper_weight_, out_ * (in_ + 1), kHyperWidth);
    VectorMap<S> bias_out(theta_bar + hyper_bias_, out_ * (in_ + 1));
    bias_out.head(out_) += shift_b, bias_out.tail(in_ * out_) += weight_b;
    weight_out.topRows(out_).noalias() += shift_b * hidden.transpose();
    weight_out.bottomRows(in_ * out_).noalias() += weight_b * hidden.transpose();
    Eigen::Matrix<S, kHyperWidth, 1> hidden_b;
    hidden_b.noalias() = weight.topRows(out_).transpose() * shift_b;
    hidden_b.noalias() += weight.bottomRows(in_ * out_).transpose() * weight_b;
    hidden_b.array() *= 1 - hidden.array().square();
    VectorMap<S>(theta_bar + hyper_bias0_, kHyperWidth) += hidden_b;
    WeightBar<S>(theta_bar + hyper_weight0_, kHyperWidth, features_).noalias() += hidden_b * u.value.transpose();
    u_bar.noalias() += Weight<S>(theta + hyper_weight0_, kHyperWidth, features_).transpose() * hidden_b;
    return;
  }
  if (type_ == LayerType::blend) {
    const S s = static_cast<S>(t);
    const Index n = in_ * out_;
    const ConstVectorMap<S> weight_b(weight_bar, n);
    VectorMap<S>(theta_bar + weight_, n) += (1 - s) * weight_b;
    VectorMap<S>(theta_bar + weight1_, n) += s * weight_b;
    VectorMap<S>(theta_bar + bias_, out_) += (1 - s) * shift_b;
    VectorMap<S>(theta_bar + bias1_, out_) += s * shift_b;
    t_bar += static_cast<double>(
        weight_b.dot(ConstVectorMap<S>(theta + weight1_, n) - ConstVectorMap<S>(theta + weight_, n)) +
        shift_b.dot(ConstVectorMap<S>(theta + bias1_, out_) - ConstVectorMap<S>(theta + bias_, out_)));
    return;
  }
  const ConstVectorMap<S> gate(c.gate, out_), bias(c.bias, out_);
  VectorMap<S>(theta_bar + bias_, out_).array() += gate.array() * shift_b.array();
  if (type_ == LayerType::concat) {
    WeightBar<S> out(theta_bar + weight_, out_, features_ + in_);
    out.rightCols(in_) += Weight<S>(weight_bar, out_, in_);
    out.leftCols(features_).noalias() += shift_b * u.value.transpose();
    u_bar.noalias() += Weight<S>(theta + weight_, out_, features_ + in_).leftCols(features_).transpose() * shift_b;
  }
  if (shifted()) {
    WeightBar<S>(theta_bar + shift_weight_, out_, features_).noalias() += shift_b * u.value.transpose();
    u_bar.noalias() += Weight<S>(theta + shift_weight_, out_, features_).transpose() * shift_b;
  }
  if (gated()) {  // gate = sigma(U u + v), and shift = gate * b + ...
    VectorMap<S> a(gate_bar, out_);
    a = (a.array() + bias.array() * shift_b.array()) * gate.array() * (1 - gate.array());
    VectorMap<S>(theta_bar + gate_bias_, out_) += a;
    WeightBar<S>(theta_bar + gate_weight_, out_, features_).noalias() += a * u.value.transpose();
    u_bar.noalias() += Weight<S>(theta + gate_weight_, out_, features_).transpose() * a;
  }
}

template struct TimeFeatures<float>;
template struct TimeFeatures<double>;
template class TimeLayer<float>;
template class TimeLayer<double>;

}  // namespace pathline
