#include "pathline/regression/regressor.hpp"

#include <cmath>

#include <fmt/format.h>

#include "core/option_check.hpp"

namespace pathline {
namespace {

template <class S> using RowMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Writes [weight row by row | bias] to `to`, or reads it from there.
template <class S> void write_linear(const Matrix<S>& weight, const Vector<S>& bias, double* to) {
  Eigen::Map<RowMajor<double>>(to, weight.rows(), weight.cols()) = weight.template cast<double>();
  VectorMap<double>(to + weight.size(), bias.size()) = bias.template cast<double>();
}
template <class S> void read_linear(const double* from, Matrix<S>& weight, Vector<S>& bias) {
  weight = Eigen::Map<const RowMajor<double>>(from, weight.rows(), weight.cols()).template cast<S>();
  bias = ConstVectorMap<double>(from + weight.size(), bias.size()).template cast<S>();
}

// The gradient of y = W x + b by (W, b), added to `to`.
template <class S> void add_linear_gradient(ConstMatrixRef<S> y_bar, ConstMatrixRef<S> x, double* to) {
  Eigen::Map<RowMajor<double>>(to, y_bar.rows(), x.rows()) += (y_bar * x.transpose()).template cast<double>();
  VectorMap<double>(to + y_bar.rows() * x.rows(), y_bar.rows()) += y_bar.rowwise().sum().template cast<double>();
}

}  // namespace

template <class S> Regressor<S>::Regressor(const RegressorOptions& o, Index dim) : options_(o), dim_(dim) {
  require(o.inputs >= 1, "inputs", o.inputs, ">= 1");
  require(o.outputs >= 1, "outputs", o.outputs, ">= 1");
  if (o.lift == RegressorOptions::Lift::linear)
    lift_ = {Matrix<S>::Zero(dim, o.inputs), Vector<S>::Zero(dim)};
  else
    require(dim >= o.inputs, "the dimension of the hidden state", dim, fmt::format(">= inputs = {}", o.inputs));
  if (o.readout == RegressorOptions::Readout::linear)
    readout_ = {Matrix<S>::Zero(o.outputs, dim), Vector<S>::Zero(o.outputs)};
  else
    require(dim >= o.outputs, "the dimension of the hidden state", dim, fmt::format(">= outputs = {}", o.outputs));
}

template <class S> std::vector<Parameter> Regressor<S>::parameters() const {
  std::vector<Parameter> out;
  Index offset = 0;
  auto add = [&](const std::string& name, Index rows, Index cols, bool decays) {
    out.push_back({name, rows, cols, offset, decays});
    offset += rows * cols;
  };
  auto add_linear = [&](const std::string& name, const Linear& map) {
    if (map.size() == 0) return;
    add(name + ".weight", map.weight.rows(), map.weight.cols(), true);
    add(name + ".bias", map.bias.size(), 1, false);
  };
  add_linear("lift", lift_);
  for (const auto& p : hidden_parameters()) add(p.name, p.rows, p.cols, p.decays);
  add_linear("readout", readout_);
  return out;
}

template <class S> Vector<double> Regressor<S>::theta() const {
  const Vector<double> hidden = hidden_theta();
  Vector<double> out(lift_.size() + hidden.size() + readout_.size());
  write_linear<S>(lift_.weight, lift_.bias, out.data());
  out.segment(lift_.size(), hidden.size()) = hidden;
  write_linear<S>(readout_.weight, readout_.bias, out.data() + lift_.size() + hidden.size());
  return out;
}

template <class S> void Regressor<S>::set_theta(ConstVectorRef<double> theta) {
  const Index hidden = theta.size() - lift_.size() - readout_.size();
  const Index expected = hidden_theta().size();
  if (hidden != expected)
    throw InputError(
        fmt::format("theta has {} numbers: must be {}", theta.size(), lift_.size() + expected + readout_.size()));
  read_linear<S>(theta.data(), lift_.weight, lift_.bias);
  set_hidden_theta(theta.segment(lift_.size(), hidden));
  read_linear<S>(theta.data() + lift_.size() + hidden, readout_.weight, readout_.bias);
}

template <class S> void Regressor<S>::initialize(Engine& engine) {
  for (auto* map : {&lift_, &readout_}) {
    if (map->size() == 0) continue;
    const S bound = static_cast<S>(1 / std::sqrt(static_cast<double>(map->weight.cols())));
    fill_uniform<S>(engine, map->weight);
    fill_uniform<S>(engine, map->bias);
    map->weight = bound * (2 * map->weight.array() - 1);
    map->bias = bound * (2 * map->bias.array() - 1);
  }
}

template <class S> void Regressor<S>::check_rows(ConstMatrixRef<S> x) const {
  if (x.rows() != options_.inputs || x.cols() < 1)
    throw InputError(
        fmt::format("x: {} x {}: must have {} rows and at least one sample", x.rows(), x.cols(), options_.inputs));
}

template <class S> Matrix<S> Regressor<S>::lift(ConstMatrixRef<S> x) const {
  if (lift_.size() > 0) return (lift_.weight * x).colwise() + lift_.bias;
  Matrix<S> h = Matrix<S>::Zero(dim_, x.cols());
  h.topRows(x.rows()) = x;
  return h;
}

template <class S> Matrix<S> Regressor<S>::read_out(const Matrix<S>& h) const {
  if (readout_.size() > 0) return (readout_.weight * h).colwise() + readout_.bias;
  return h.topRows(options_.outputs);
}

template <class S> Matrix<S> Regressor<S>::predict(ConstMatrixRef<S> x) {
  check_rows(x);
  return read_out(advance(lift(x)));
}

template <class S>
const RegressionGradient& Regressor<S>::gradient(ConstMatrixRef<S> x, ConstMatrixRef<S> y, const RegressionLoss& loss) {
  check_rows(x);
  loss.check(options_.outputs);
  if (y.rows() != options_.outputs || y.cols() != x.cols())
    throw InputError(fmt::format("y: {} x {}: must be {} x {}", y.rows(), y.cols(), options_.outputs, x.cols()));
  const Matrix<S>& h = advance(lift(x));
  const Matrix<S> prediction = read_out(h);
  Matrix<S> y_bar(y.rows(), y.cols()), h_bar;
  gradient_.loss = loss.operator()<S>(prediction, y, y_bar);
  const Index hidden = hidden_theta().size();
  gradient_.theta.setZero(lift_.size() + hidden + readout_.size());
  if (readout_.size() > 0) {
    add_linear_gradient<S>(y_bar, h, gradient_.theta.data() + lift_.size() + hidden);
    h_bar = readout_.weight.transpose() * y_bar;
  } else {
    h_bar = Matrix<S>::Zero(dim_, y.cols());
    h_bar.topRows(options_.outputs) = y_bar;
  }
  reverse(h_bar, gradient_.theta.segment(lift_.size(), hidden));
  if (lift_.size() > 0) {
    add_linear_gradient<S>(h_bar, x, gradient_.theta.data());
    gradient_.x = (lift_.weight.transpose() * h_bar).template cast<double>();
  } else {
    gradient_.x = h_bar.topRows(x.rows()).template cast<double>();
  }
  return gradient_;
}

template class Regressor<float>;
template class Regressor<double>;

}  // namespace pathline
