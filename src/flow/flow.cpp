#include "pathline/flow/flow.hpp"

#include <cassert>
#include <cmath>
#include <limits>
#include <string>

#include "flow/path.hpp"
#include "core/option_check.hpp"

namespace pathline {

template <class S> Flow<S>::Flow(Cnf<S> block) : Flow(std::vector<Cnf<S>>{std::move(block)}) {}

template <class S> Flow<S>::Flow(std::vector<Cnf<S>> chain) : blocks(std::move(chain)) {
  assert(!blocks.empty());
  const Index d = blocks.front().field->dim();
  Engine unused = make_stream(0, "flow.base");
  base = make_base(BaseKind::normal, d, 1, unused);
  mean = Vector<double>::Zero(d);
  scale = Vector<double>::Ones(d);
  condition_mean = Vector<double>::Zero(condition_dim());
  condition_scale = Vector<double>::Ones(condition_dim());
}

template <class S> Flow<S> Flow<S>::clone() const {
  Flow copy = *this;
  for (auto& block : copy.blocks) block.field = block.field->clone();
  copy.base = base->clone();
  return copy;
}

template <class S> double Flow<S>::end_time() const {
  double sum = 0;
  for (const auto& block : blocks) sum += block.end_time;
  return sum;
}

template <class S> FlowLayout Flow<S>::layout() const {
  FlowLayout out;
  for (const auto& block : blocks) {
    out.field.push_back(out.size);
    out.size += block.field->theta().size();
    out.root_time.push_back(block.train_end_time ? out.size : -1);
    out.size += block.train_end_time ? 1 : 0;
  }
  for (std::size_t i = 0; i < norms.size(); ++i) {
    out.norm.push_back(out.size);
    out.size += 2 * dim();
  }
  out.base = out.size;
  out.size += base->theta().size();
  return out;
}

template <class S> std::vector<Parameter> Flow<S>::parameters() const {
  const auto at = layout();
  std::vector<Parameter> out;
  auto add_all = [&](const std::string& prefix, const std::vector<Parameter>& part, Index offset) {
    for (auto p : part) {
      p.name = prefix + p.name, p.offset += offset;
      out.push_back(std::move(p));
    }
  };
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::string prefix = "blocks." + std::to_string(i) + ".";
    add_all(prefix, blocks[i].field->parameters(), at.field[i]);
    if (at.root_time[i] >= 0) out.push_back({prefix + "sqrt_end_time", 1, 1, at.root_time[i], false});
  }
  for (std::size_t i = 0; i < norms.size(); ++i) {
    const std::string prefix = "norms." + std::to_string(i) + ".";
    out.push_back({prefix + "weight", dim(), 1, at.norm[i], false});
    out.push_back({prefix + "bias", dim(), 1, at.norm[i] + dim(), false});
  }
  add_all("base.", base->parameters(), at.base);
  return out;
}

template <class S> Vector<double> Flow<S>::theta() const {
  const auto at = layout();
  Vector<double> out(at.size);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& theta = blocks[i].field->theta();
    out.segment(at.field[i], theta.size()) = theta.template cast<double>();
    if (at.root_time[i] >= 0) out[at.root_time[i]] = std::sqrt(blocks[i].end_time);
  }
  for (std::size_t i = 0; i < norms.size(); ++i) {
    out.segment(at.norm[i], dim()) = norms[i].log_weight;
    out.segment(at.norm[i] + dim(), dim()) = norms[i].bias;
  }
  out.tail(base->theta().size()) = base->theta();
  return out;
}

template <class S> void Flow<S>::set_theta(ConstVectorRef<double> theta) {
  const auto at = layout();
  assert(theta.size() == at.size);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    auto& field = *blocks[i].field;
    field.set_theta(theta.segment(at.field[i], field.theta().size()).template cast<S>());
    if (at.root_time[i] >= 0) blocks[i].end_time = theta[at.root_time[i]] * theta[at.root_time[i]];
  }
  for (std::size_t i = 0; i < norms.size(); ++i) {
    norms[i].log_weight = theta.segment(at.norm[i], dim());
    norms[i].bias = theta.segment(at.norm[i] + dim(), dim());
  }
  base->set_theta(theta.tail(base->theta().size()));
}

namespace {

// alpha + (1 - 2 alpha) x, in (0, 1).
Matrix<double> squeezed(ConstMatrixRef<double> x, double alpha) {
  Matrix<double> t = (alpha + (1 - 2 * alpha) * x.array()).matrix();
  for (Index j = 0; j < t.cols(); ++j)
    for (Index i = 0; i < t.rows(); ++i)
      if (!(t(i, j) > 0 && t(i, j) < 1))
        throw InputError(fmt::format("point {}, column {}: {}: the model's logit transform takes values in [0, 1]",
                                     j + 1, i + 1, x(i, j)));
  return t;
}

}  // namespace

template <class S> Matrix<S> Flow<S>::standardized(ConstMatrixRef<double> x) const {
  if (logit == 0) return ((x.colwise() - mean).array().colwise() / scale.array()).template cast<S>();
  const Matrix<double> t = squeezed(x, logit);
  const Matrix<double> y = (t.array() / (1 - t.array())).log();
  return ((y.colwise() - mean).array().colwise() / scale.array()).template cast<S>();
}

template <class S> Matrix<double> Flow<S>::unstandardized(ConstMatrixRef<double> z) const {
  Matrix<double> y = (z.array().colwise() * scale.array()).matrix().colwise() + mean;
  if (logit > 0) y = ((1 + (-y.array()).exp()).inverse() - logit) / (1 - 2 * logit);
  return y;
}

template <class S> RowVector<double> Flow<S>::log_scale(ConstMatrixRef<double> x) const {
  RowVector<double> out = RowVector<double>::Constant(x.cols(), scale.array().log().sum());
  if (logit == 0) return out;
  const Matrix<double> t = squeezed(x, logit);
  out += (t.array() * (1 - t.array()) / (1 - 2 * logit)).log().matrix().colwise().sum();
  return out;
}

// log t (1 - t) of t = sigmoid(y), which x no longer tells where t has been rounded to 0 or 1.
template <class S> RowVector<double> Flow<S>::log_scale_of_standardized(ConstMatrixRef<double> z) const {
  RowVector<double> out = RowVector<double>::Constant(z.cols(), scale.array().log().sum());
  if (logit == 0) return out;
  const Matrix<double> size = ((z.array().colwise() * scale.array()).matrix().colwise() + mean).cwiseAbs();
  out += (-size.array() - 2 * (-size.array()).exp().log1p() - std::log(1 - 2 * logit)).matrix().colwise().sum();
  return out;
}

template <class S>
Matrix<S> Flow<S>::standardized_condition(ConstMatrixRef<double> c, Index begin, Index batch) const {
  if (c.rows() == 0) return Matrix<S>(0, 0);
  const auto part = c.middleCols(begin, batch);
  return ((part.colwise() - condition_mean).array().colwise() / condition_scale.array()).template cast<S>();
}

template <class S> void Flow<S>::check(ConstMatrixRef<double> x, ConstMatrixRef<double> c) const {
  if (x.rows() != dim())
    throw InputError(fmt::format("points have {} columns: the model has {}", x.rows(), dim()));
  if (c.rows() != condition_dim())
    throw InputError(fmt::format("the condition has {} columns: the model has {}", c.rows(), condition_dim()));
  if (c.rows() > 0 && c.cols() != x.cols())
    throw InputError(fmt::format("the condition has {} rows and the points {}", c.cols(), x.cols()));
}

template <class S> void Flow<S>::check_time(double t) const {
  require(t >= 0 && t <= end_time(), "time", t, fmt::format("in [0, {}]", end_time()));
}

template <class S>
LogProb<S> Flow<S>::log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                             const EvaluationOptions& options) const {
  return log_prob_at(end_time(), x, c, options);
}

template <class S>
LogProb<S> Flow<S>::log_prob_at(double t, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                const EvaluationOptions& options) const {
  check(x, c);
  check_time(t);
  const Index n = x.cols();
  LogProb<S> out{RowVector<double>(n), Matrix<S>(dim(), n), {}, 0};
  const RowVector<double> shift = log_scale(x);
  out.report = walk_tiles<S>(
      *this, n, c, t, 0, options, out.nfe,
      [&](Index begin, auto z) { z = standardized(x.middleCols(begin, z.cols())); },
      [&](Index begin, const auto& z, const auto& change) {
        out.base.middleCols(begin, z.cols()) = z;
        out.log_prob.segment(begin, z.cols()) =
            base->log_density(z.template cast<double>()) - change - shift.segment(begin, z.cols());
      });
  return out;
}

template <class S>
Transformed Flow<S>::transform(ConstMatrixRef<double> x, ConstMatrixRef<double> c, double from, double to,
                               const EvaluationOptions& options) const {
  check(x, c);
  for (double t : {from, to}) check_time(t);
  const Index n = x.cols();
  Transformed out{Matrix<double>(dim(), n), RowVector<double>(n), {}, 0};
  out.report = walk_tiles<S>(
      *this, n, c, from, to, options, out.nfe,
      [&](Index begin, auto z) { z = standardized(x.middleCols(begin, z.cols())); },
      [&](Index begin, const auto& z, const auto& change) {
        out.points.middleCols(begin, z.cols()) = unstandardized(z.template cast<double>());
        out.log_change.segment(begin, z.cols()) =
            change + log_scale(x.middleCols(begin, z.cols())) - log_scale_of_standardized(z.template cast<double>());
      });
  return out;
}

template <class S>
Samples<S> Flow<S>::push_along(const Matrix<S>& z0, const std::vector<double>& times,
                               std::vector<Matrix<double>>& along, const EvaluationOptions& options,
                               ConstMatrixRef<double> c) const {
  check(z0.template cast<double>(), c);
  for (double t : times) check_time(t);
  const Index n = z0.cols();
  Samples<S> out{Matrix<double>(dim(), n), RowVector<double>(n), {}, 0};
  along.assign(times.size(), Matrix<double>(dim(), n));
  out.report = walk_tiles<S>(
      *this, n, c, 0, end_time(), options, out.nfe,
      [&](Index begin, auto z) { z = z0.middleCols(begin, z.cols()); },
      [&](Index begin, const auto& z, const auto& change) {
        out.points.middleCols(begin, z.cols()) = unstandardized(z.template cast<double>());
        const auto start = base->log_density(z0.middleCols(begin, z.cols()).template cast<double>());
        out.log_prob.segment(begin, z.cols()) = start + change - log_scale_of_standardized(z.template cast<double>());
      },
      times, [&](std::size_t k, Index begin, const auto& z) {
        along[k].middleCols(begin, z.cols()) = unstandardized(z.template cast<double>());
      });
  return out;
}

template <class S>
Samples<S> Flow<S>::push(const Matrix<S>& z0, const EvaluationOptions& options, ConstMatrixRef<double> c) const {
  std::vector<Matrix<double>> none;
  return push_along(z0, {}, none, options, c);
}

template <class S>
Matrix<S> Flow<S>::draw_base(Index n, std::uint64_t seed, Index tile, Index first) const {
  Matrix<double> z(dim(), n);
  for (Index begin = 0; begin < n; begin += tile) {
    Engine engine = make_stream(seed, "flow.base", static_cast<std::uint64_t>((first + begin) / tile));
    base->sample(engine, z.middleCols(begin, std::min(tile, n - begin)));
  }
  return z.template cast<S>();
}

template <class S>
Samples<S> Flow<S>::sample(Index n, std::uint64_t seed, const EvaluationOptions& options, Index first,
                           ConstMatrixRef<double> c) const {
  auto part = options;
  part.first = first;
  return push(draw_base(n, seed, options.tile, first), part, c);
}

template class Flow<float>;
template class Flow<double>;

}  // namespace pathline
