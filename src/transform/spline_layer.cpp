#include "pathline/transform/spline_layer.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/option_check.hpp"
#include "pathline/core/error.hpp"
#include "transform/spline_kernel.hpp"

namespace pathline {
namespace {

template <class S> struct SplineTape final : TransformTape<S> {
  Matrix<S> x;                    // d x B: on the data's side
  std::vector<Matrix<S>> values;  // of the layers of the network at x
};

}  // namespace

template <class S> SplineLayer<S>::SplineLayer(const SplineLayerOptions& o)
    : Transform<S>(o.dim, o.condition_dim), options_(o) {
  require(o.dim >= 1, "dim", o.dim, ">= 1");
  require(o.condition_dim >= 0, "condition_dim", o.condition_dim, ">= 0");
  require(std::ssize(o.steps) == o.dim, "steps", o.steps.size(), fmt::format("{} numbers, one a column", o.dim));
  for (const Index step : o.steps) require(step >= 0 && step < o.dim, "steps", step, "in [0, dim)");
  require(!o.hidden.empty(), "hidden", "an empty list", "one width or more");
  for (const Index width : o.hidden) require(width >= 1, "hidden", width, ">= 1");
  require(o.bins >= 2 && o.bins <= 64, "bins", o.bins, "in [2, 64]");
  require(o.bound > 0 && std::isfinite(o.bound), "bound", o.bound, "> 0");
  last_step_ = *std::max_element(o.steps.begin(), o.steps.end());

  // A unit of degree m sees the columns of the steps below m, and is seen by the columns of the steps from m on. Degree
  // 0 is of use for a condition alone.
  const Index least = o.condition_dim > 0 || last_step_ == 0 ? 0 : 1;
  std::vector<Index> before;  // degrees of what a layer sees
  for (const Index step : o.steps) before.push_back(step + 1);
  Index at = 0;
  const auto add = [&](const std::string& name, Index rows, Index cols, bool decays) {
    parameters_.push_back({name, rows, cols, at, decays});
    at += rows * cols;
    return at - rows * cols;
  };
  for (std::size_t l = 0; l <= o.hidden.size(); ++l) {
    const bool last = l == o.hidden.size();
    std::vector<Index> degrees;
    if (last)
      for (const Index step : o.steps) degrees.insert(degrees.end(), static_cast<std::size_t>(outputs()), step);
    else
      for (Index i = 0; i < o.hidden[l]; ++i) degrees.push_back(least + i * (last_step_ + 1 - least) / o.hidden[l]);
    const Index rows = std::ssize(degrees), cols = std::ssize(before), dc = l == 0 ? o.condition_dim : 0;
    Layer layer{
        Matrix<S>::Zero(rows, cols), Matrix<S>::Zero(rows, dc), Matrix<S>(rows, cols), Vector<S>::Zero(rows), 0, 0, 0};
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < cols; ++j)
        layer.mask(i, j) = degrees[static_cast<std::size_t>(i)] >= before[static_cast<std::size_t>(j)];
    const std::string name = fmt::format("layers.{}.", l);
    layer.weight_at = add(name + "weight", rows, cols, true);
    layer.condition_at = dc > 0 ? add(name + "condition", rows, dc, true) : 0;
    layer.bias_at = add(name + "bias", rows, 1, false);
    layers_.push_back(std::move(layer));
    before = std::move(degrees);
  }
  theta_.setZero(at);
}

template <class S> Attributes SplineLayer<S>::describe() const {
  return {{"steps", std::vector<std::int64_t>(options_.steps.begin(), options_.steps.end())},
          {"hidden", std::vector<std::int64_t>(options_.hidden.begin(), options_.hidden.end())},
          {"bins", static_cast<std::int64_t>(options_.bins)},
          {"bound", options_.bound}};
}

template <class S> void SplineLayer<S>::initialize(Engine& engine) {
  Vector<double> theta = Vector<double>::Zero(theta_.size());
  for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
    const auto& layer = layers_[l];
    for (Index i = 0; i < layer.mask.rows(); ++i) {
      const double inputs = static_cast<double>(layer.mask.row(i).sum()) + static_cast<double>(layer.condition.cols());
      const double width = std::sqrt(6 / std::max(inputs, 1.0));
      for (Index j = 0; j < layer.mask.cols(); ++j)
        theta[layer.weight_at + i * layer.mask.cols() + j] =
            uniform(engine, -width, width) * static_cast<double>(layer.mask(i, j));
      for (Index j = 0; j < layer.condition.cols(); ++j)
        theta[layer.condition_at + i * layer.condition.cols() + j] = uniform(engine, -width, width);
    }
    // Kinks of the rectifiers where the data are.
    for (Index i = 0; i < layer.bias.size(); ++i) theta[layer.bias_at + i] = uniform(engine, -1, 1);
  }
  set_theta(theta);
}

template <class S> void SplineLayer<S>::set_theta(ConstVectorRef<double> theta) {
  theta_ = theta;
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  for (auto& layer : layers_) {
    const auto matrix = [&](Index from, const Matrix<S>& like) {
      return Eigen::Map<const RowMajor>(theta_.data() + from, like.rows(), like.cols()).template cast<S>();
    };
    layer.weight = matrix(layer.weight_at, layer.weight).cwiseProduct(layer.mask);
    if (layer.condition.cols() > 0) layer.condition = matrix(layer.condition_at, layer.condition);
    layer.bias = theta_.segment(layer.bias_at, layer.bias.size()).template cast<S>();
  }
}

// values: of each layer; those of hidden layers are rectified.
template <class S>
void SplineLayer<S>::run(ConstMatrixRef<S> x, const Matrix<S>& condition, std::vector<Matrix<S>>& values) const {
  values.resize(layers_.size());
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const auto& layer = layers_[l];
    auto& out = values[l];
    out.resize(layer.weight.rows(), x.cols());
    if (l == 0)
      out.noalias() = layer.weight * x;
    else
      out.noalias() = layer.weight * values[l - 1];
    if (layer.condition.cols() > 0) out.noalias() += layer.condition * condition;
    if (l + 1 < layers_.size())
      out = (out.colwise() + layer.bias).cwiseMax(S(0));
    else
      out.colwise() += layer.bias;
  }
}

// bar: of the last layer's values, overwritten.
template <class S> void SplineLayer<S>::reverse(const std::vector<Matrix<S>>& values, ConstMatrixRef<S> x,
                                                const Matrix<S>& condition, Matrix<S>& bar, MatrixRef<S> x_bar,
                                                VectorRef<double> theta_bar, MatrixRef<S> condition_bar) const {
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Matrix<S> product, below;
  for (std::size_t l = layers_.size(); l-- > 0;) {
    const auto& layer = layers_[l];
    if (theta_bar.size() > 0) {
      if (l == 0)
        product.noalias() = bar * x.transpose();
      else
        product.noalias() = bar * values[l - 1].transpose();
      Eigen::Map<RowMajor>(theta_bar.data() + layer.weight_at, product.rows(), product.cols()) +=
          product.cwiseProduct(layer.mask).template cast<double>();
      theta_bar.segment(layer.bias_at, bar.rows()) += bar.rowwise().sum().template cast<double>();
      if (layer.condition.cols() > 0) {
        product.noalias() = bar * condition.transpose();
        Eigen::Map<RowMajor>(theta_bar.data() + layer.condition_at, product.rows(), product.cols()) +=
            product.template cast<double>();
      }
    }
    if (layer.condition.cols() > 0) condition_bar.noalias() += layer.condition.transpose() * bar;
    if (l == 0) {
      x_bar.noalias() += layer.weight.transpose() * bar;
      return;
    }
    below.noalias() = layer.weight.transpose() * bar;
    bar = (values[l - 1].array() > 0).select(below, S(0));
  }
}

template <class S> SolveReport SplineLayer<S>::apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                                                     const TransformContext<S>& context, TransformTape<S>* to) const {
  auto* tape = static_cast<SplineTape<S>*>(to);
  SplineTape<S> own;
  auto& record = tape ? *tape : own;
  SplineKernel<S> kernel(options_.bins, options_.bound);
  Matrix<S> x = z;
  RowVector<double> change = RowVector<double>::Zero(z.cols());
  const bool to_base = direction == Direction::data_to_base;
  // From the base the columns of each step need those of the steps before.
  for (Index step = to_base ? last_step_ : 0; step <= last_step_; ++step) {
    run(x, context.condition, record.values);
    const auto& p = record.values.back();
    for (Index b = 0; b < z.cols(); ++b)
      for (Index i = 0; i < z.rows(); ++i) {
        if ((!to_base && options_.steps[static_cast<std::size_t>(i)] != step) || !kernel.inside(z(i, b))) continue;
        kernel.set(p.col(b).data() + i * outputs());
        S log_slope;
        if (to_base)
          z(i, b) = kernel.forward(z(i, b), log_slope), change[b] += static_cast<double>(log_slope);
        else
          x(i, b) = kernel.inverse(z(i, b), log_slope), change[b] -= static_cast<double>(log_slope);
      }
  }
  if (!to_base) z = x;
  if (log_det) *log_det += change;
  if (tape) tape->x = x, tape->log_det = log_det ? change.sum() : std::nan("");
  return Transform<S>::done();
}

template <class S> std::unique_ptr<TransformTape<S>> SplineLayer<S>::make_tape() const {
  return std::make_unique<SplineTape<S>>();
}

// To the base: y = s(x; p(x)). To the data, x = s^-1(y; p(x)): with the whole cotangent of x, by the condition through
// the network too, dx = (dy - ds/dp dp) / s' (the implicit function's derivative), step by step from the last.
template <class S> SolveReport SplineLayer<S>::pullback(Direction direction, const TransformTape<S>& from,
                                                        TransformCotangent<S> to,
                                                        const TransformContext<S>& context) const {
  const auto& tape = static_cast<const SplineTape<S>&>(from);
  SplineKernel<S> kernel(options_.bins, options_.bound);
  const auto& p = tape.values.back();
  const bool to_base = direction == Direction::data_to_base;
  Matrix<S> bar(p.rows(), p.cols()), z_bar = to.z;
  if (to_base) {
    bar.setZero();
    for (Index b = 0; b < z_bar.cols(); ++b)
      for (Index i = 0; i < z_bar.rows(); ++i) {
        if (!kernel.inside(tape.x(i, b))) continue;
        kernel.set(p.col(b).data() + i * outputs());
        S slope;
        const S by_x = kernel.pullback(tape.x(i, b), z_bar(i, b), static_cast<S>(to.log_det[b]),
                                       bar.col(b).data() + i * outputs(), slope);
        z_bar(i, b) = by_x;
      }
    reverse(tape.values, tape.x, context.condition, bar, z_bar, to.theta, to.condition);
    to.z = z_bar;
    return Transform<S>::done();
  }
  Vector<S> unused(outputs());
  for (Index step = last_step_; step >= 0; --step) {
    bar.setZero();
    for (Index b = 0; b < z_bar.cols(); ++b)
      for (Index i = 0; i < z_bar.rows(); ++i) {
        if (options_.steps[static_cast<std::size_t>(i)] != step || !kernel.inside(tape.x(i, b))) continue;
        kernel.set(p.col(b).data() + i * outputs());
        S slope;
        const S weight = static_cast<S>(-to.log_det[b]);  // of log s'
        const S bend = kernel.pullback(tape.x(i, b), 0, weight, unused.data(), slope);
        const S y_bar = (z_bar(i, b) + bend) / slope;
        kernel.pullback(tape.x(i, b), -y_bar, weight, bar.col(b).data() + i * outputs(), slope);
        z_bar(i, b) = y_bar;
      }
    // Columns of this step and of later ones are not seen: their cotangents stay.
    reverse(tape.values, tape.x, context.condition, bar, z_bar, to.theta, to.condition);
  }
  to.z = z_bar;
  return Transform<S>::done();
}

template class SplineLayer<float>;
template class SplineLayer<double>;

}  // namespace pathline
