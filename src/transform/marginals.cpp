#include "pathline/transform/marginals.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "transform/normal_tail.hpp"
#include "transform/rational_quadratic.hpp"

namespace pathline {
namespace {

// One value and its derivatives on the way to z: dz/dx, and d log(dz/dx)/dx.
struct Mapped {
  double x, z, slope, bend;
};

// Beyond the last knot (x1, z1), toward higher values: the exceedance u = x - x1 has the share Q(z1) (1 + shape u /
// scale)^(-1 / shape) of all rows above it, which is Q(z).
Mapped beyond(double u, double z1, const ParetoTail& tail) {
  const double stretch = 1 + tail.shape * u / tail.scale;
  const double log_share = tail.shape > 0 ? -std::log1p(tail.shape * u / tail.scale) / tail.shape : -u / tail.scale;
  const double z = upper_normal_quantile(log_upper_normal(z1) + log_share), mills = mills_ratio(z);
  const double slope = mills / (tail.scale * stretch);
  return {u, z, slope, (z - 1 / mills) * slope - tail.shape / (tail.scale * stretch)};
}
Mapped beyond_inverse(double z, double z1, const ParetoTail& tail) {
  const double log_share = log_upper_normal(z) - log_upper_normal(z1);  // <= 0
  const double u = tail.scale * (tail.shape > 0 ? std::expm1(-tail.shape * log_share) / tail.shape : -log_share);
  const double stretch = 1 + tail.shape * u / tail.scale, mills = mills_ratio(z);
  const double slope = mills / (tail.scale * stretch);
  return {u, z, slope, (z - 1 / mills) * slope - tail.shape / (tail.scale * stretch)};
}

// The index of the interval [knots[k], knots[k + 1]) of a value between the first and the last.
Index interval(const Vector<double>& knots, double value) {
  const Index k = std::upper_bound(knots.data(), knots.data() + knots.size(), value) - knots.data() - 1;
  return std::clamp<Index>(k, 0, knots.size() - 2);
}

RationalQuadratic<double> piece(const MarginalMap& m, const Vector<double>& slopes, Index k) {
  return {m.x[k], m.z[k], m.x[k + 1] - m.x[k], m.z[k + 1] - m.z[k], slopes[k], slopes[k + 1]};
}

Mapped mirrored(const Mapped& m, double knot) { return {knot - m.x, -m.z, m.slope, -m.bend}; }

Mapped to_normal(const MarginalMap& m, const Vector<double>& slopes, double x) {
  const Index last = m.x.size() - 1;
  if (!std::isfinite(x)) return {x, x, 1, 0};
  if (x > m.x[last]) return beyond(x - m.x[last], m.z[last], m.high);
  if (x < m.x[0]) return mirrored(beyond(m.x[0] - x, -m.z[0], m.low), m.x[0]);
  const auto p = piece(m, slopes, interval(m.x, x));
  const auto v = p.at((x - p.x0) / p.width);
  return {x, v.y, v.slope, v.bend};
}

Mapped to_data(const MarginalMap& m, const Vector<double>& slopes, double z) {
  const Index last = m.z.size() - 1;
  if (!std::isfinite(z)) return {z, z, 1, 0};
  if (z > m.z[last]) {
    auto out = beyond_inverse(z, m.z[last], m.high);
    out.x += m.x[last];
    return out;
  }
  if (z < m.z[0]) return mirrored(beyond_inverse(-z, -m.z[0], m.low), m.x[0]);
  const auto p = piece(m, slopes, interval(m.z, z));
  const double t = std::clamp(p.inverse(z), 0.0, 1.0);
  const auto v = p.at(t);
  return {p.x0 + t * p.width, z, v.slope, v.bend};
}

// The slopes at the knots: at inner knots a weighted geometric mean of the slopes on both sides (Delbourgo & Gregory 1985,
// eq. 3.6), at the ends the slopes of the tails, so that the density is continuous.
Vector<double> knot_slopes(const MarginalMap& m) {
  const Index n = m.x.size();
  Vector<double> out(n);
  const auto side = [&](Index k) { return (m.z[k + 1] - m.z[k]) / (m.x[k + 1] - m.x[k]); };
  for (Index k = 1; k + 1 < n; ++k) {
    const double before = m.x[k] - m.x[k - 1], after = m.x[k + 1] - m.x[k];
    out[k] = std::exp((after * std::log(side(k - 1)) + before * std::log(side(k))) / (before + after));
  }
  out[0] = mills_ratio(-m.z[0]) / m.low.scale;
  out[n - 1] = mills_ratio(m.z[n - 1]) / m.high.scale;
  return out;
}

struct MarginalTape final : TransformTape<double> {
  Matrix<double> slope, bend;  // d x B
};

}  // namespace

Marginals::Marginals(std::vector<MarginalMap> maps)
    : Transform<double>(static_cast<Index>(maps.size())), maps_(std::move(maps)) {
  for (std::size_t i = 0; i < maps_.size(); ++i) {
    const auto& m = maps_[i];
    const Index n = m.x.size();
    bool fine = n >= 2 && m.z.size() == n && m.x.allFinite() && m.z.allFinite() && m.z[0] < 0 && m.z[n - 1] > 0;
    for (Index k = 0; fine && k + 1 < n; ++k) fine = m.x[k] < m.x[k + 1] && m.z[k] < m.z[k + 1];
    for (const auto& tail : {m.low, m.high})
      fine = fine && tail.shape >= 0 && tail.scale > 0 && std::isfinite(tail.shape) && std::isfinite(tail.scale);
    if (!fine) throw InputError(fmt::format("marginal of column {}: must be a finite increasing map", i + 1));
    slopes_.push_back(knot_slopes(m));
    if (!slopes_.back().allFinite() || !(slopes_.back().minCoeff() > 0))
      throw InputError(fmt::format("marginal of column {}: its knots are too close together", i + 1));
  }
}

SolveReport Marginals::apply(Direction direction, MatrixRef<double> z, RowVector<double>* log_det,
                             const TransformContext<double>&, TransformTape<double>* to) const {
  auto* tape = static_cast<MarginalTape*>(to);
  if (tape) tape->slope.resize(z.rows(), z.cols()), tape->bend.resize(z.rows(), z.cols());
  const bool to_base = direction == Direction::data_to_base;
  double sum = 0;
  for (Index b = 0; b < z.cols(); ++b) {
    double change = 0;
    for (Index i = 0; i < z.rows(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const Mapped m = to_base ? to_normal(maps_[at], slopes_[at], z(i, b)) : to_data(maps_[at], slopes_[at], z(i, b));
      z(i, b) = to_base ? m.z : m.x;
      change += std::log(m.slope);
      if (tape) tape->slope(i, b) = m.slope, tape->bend(i, b) = m.bend;
    }
    if (!to_base) change = -change;
    if (log_det) (*log_det)[b] += change;
    sum += change;
  }
  if (tape) tape->log_det = log_det ? sum : std::nan("");
  return done();
}

std::unique_ptr<TransformTape<double>> Marginals::make_tape() const { return std::make_unique<MarginalTape>(); }

// With s = dz/dx and b = d log s/dx. Towards the base: x_bar = z_bar s + w b. Towards the data, where log|det| is -log s:
// z_bar = (x_bar - w b) / s.
SolveReport Marginals::pullback(Direction direction, const TransformTape<double>& from, TransformCotangent<double> to,
                                const TransformContext<double>&) const {
  const auto& tape = static_cast<const MarginalTape&>(from);
  const Matrix<double> bent = tape.bend.array().rowwise() * to.log_det.array();
  if (direction == Direction::data_to_base)
    to.z = (to.z.array() * tape.slope.array() + bent.array()).matrix();
  else
    to.z = ((to.z - bent).array() / tape.slope.array()).matrix();
  return done();
}

namespace {

// The sorted values of one column, each with the share of the weight below it, half of its own included.
struct Distribution {
  std::vector<double> value, weight, level;
};

Distribution distribution(ConstMatrixRef<double> x, Index column, ConstVectorRef<double> weights) {
  std::vector<Index> order;
  for (Index b = 0; b < x.cols(); ++b)
    if (weights.size() == 0 || weights[b] > 0) order.push_back(b);
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return x(column, a) < x(column, b); });
  Distribution out;
  double total = 0;
  for (const Index b : order) {
    out.value.push_back(x(column, b));
    out.weight.push_back(weights.size() > 0 ? weights[b] : 1.0);
    total += out.weight.back();
  }
  double below = 0;
  for (auto& w : out.weight) {
    w /= total;
    out.level.push_back(below + 0.5 * w);
    below += w;
  }
  return out;
}

// The quantile at a level in (0, 1), by linear interpolation between the rows.
double quantile(const Distribution& d, double level) {
  const auto at = std::upper_bound(d.level.begin(), d.level.end(), level) - d.level.begin();
  if (at == 0) return d.value.front();
  if (at == std::ssize(d.level)) return d.value.back();
  const auto k = static_cast<std::size_t>(at);
  const double t = (level - d.level[k - 1]) / (d.level[k] - d.level[k - 1]);
  return d.value[k - 1] + t * (d.value[k] - d.value[k - 1]);
}

// The least shape of a fitted tail. For an exponential tail it costs 2e-4 nats. In return the log-density of a row far
// beyond the training rows falls only with the logarithm of its distance.
constexpr double kLeastShape = 0.1;

// Maximum likelihood along the profile of Grimshaw (1993): for a fixed ratio r = shape / scale, shape = mean of
// log(1 + r u). The ratios form a grid over twelve decades about the mean, so that no outlier can lead away from it.
ParetoTail fit_tail(const std::vector<std::pair<double, double>>& exceedances, double unit) {
  double mass = 0, mean = 0, log_mean = 0;
  for (const auto& [u, w] : exceedances) mass += w, mean += w * u, log_mean += w * std::log(std::max(u, 1e-6 * unit));
  if (!(mass > 0)) return {kLeastShape, unit};
  mean /= mass, log_mean /= mass;
  const double least = 1e-3 * unit;
  ParetoTail best{kLeastShape, std::max((1 - kLeastShape) * mean, least)};
  double highest = -std::log(best.scale);
  for (const auto& [u, w] : exceedances)
    highest -= w / mass * (1 + 1 / best.shape) * std::log1p(best.shape * u / best.scale);
  // One far value among few makes a large shape likely by chance: it must gain more than the penalty of its parameter.
  highest += 1 / static_cast<double>(exceedances.size());
  const double typical = std::exp(log_mean);
  for (int i = -60; i <= 60; ++i) {
    const double ratio = std::pow(10, i / 10.0) / typical;
    double shape = 0;
    for (const auto& [u, w] : exceedances) shape += w * std::log1p(ratio * u);
    shape /= mass;
    if (!(shape >= kLeastShape && shape <= 5)) continue;
    const double scale = shape / ratio;
    if (scale < least) continue;
    const double log_likelihood = -std::log(scale) - shape - 1;
    if (log_likelihood > highest) highest = log_likelihood, best = {shape, scale};
  }
  return best;
}

// The levels of the knots. They are equally spaced in the mean of probability and normal quantile, which resolves both the
// centre of the distribution and its flanks.
std::vector<double> levels(Index count, double tail) {
  const double edge = -upper_normal_quantile(std::log(tail));
  auto place = [&](double p, double z) { return 0.5 * (p - tail) / (1 - 2 * tail) + 0.25 * (z - edge) / -edge; };
  std::vector<double> out;
  for (Index k = 0; k < count; ++k) {
    const double wanted = static_cast<double>(k) / static_cast<double>(count - 1);
    double low = edge, high = -edge;
    for (int halving = 0; halving < 60; ++halving) {
      const double z = 0.5 * (low + high);
      (place(0.5 * std::erfc(-z / std::numbers::sqrt2), z) < wanted ? low : high) = z;
    }
    out.push_back(0.5 * std::erfc(-0.5 * (low + high) / std::numbers::sqrt2));
  }
  return out;
}

double normal_quantile(double level) {
  return level < 0.5 ? -upper_normal_quantile(std::log(level)) : upper_normal_quantile(std::log1p(-level));
}

MarginalMap fit_map(const Distribution& d, Index rows) {
  const double n = static_cast<double>(rows);
  const double tail = std::min(0.1, 16 / n + 0.002);
  const Index count = std::clamp<Index>(static_cast<Index>(std::pow(n, 0.4)), 6, 128);
  const double spread = quantile(d, 1 - tail) - quantile(d, tail);
  MarginalMap out;
  std::vector<double> x, z;
  for (const double level : levels(count, tail)) {
    const double value = quantile(d, level);
    // Levels with the same value, as in a column of few values, share one knot.
    if (!x.empty() && !(value - x.back() > 1e-6 * spread / static_cast<double>(count))) continue;
    x.push_back(value), z.push_back(normal_quantile(level));
  }
  const double middle = quantile(d, 0.5);
  if (x.size() < 3 || !(z.front() < 0 && z.back() > 0)) {  // nearly a constant
    const double unit = spread > 0 ? spread : std::max(std::abs(middle), 1.0);
    out.x = Vector<double>{{middle - unit, middle + unit}}, out.z = Vector<double>{{-1, 1}};
    out.low = out.high = {kLeastShape, unit};
    return out;
  }
  out.x = ConstVectorMap<double>(x.data(), std::ssize(x)), out.z = ConstVectorMap<double>(z.data(), std::ssize(z));
  std::vector<std::pair<double, double>> low, high;
  for (std::size_t i = 0; i < d.value.size(); ++i) {
    if (d.value[i] < x.front()) low.push_back({x.front() - d.value[i], d.weight[i]});
    if (d.value[i] > x.back()) high.push_back({d.value[i] - x.back(), d.weight[i]});
  }
  out.low = fit_tail(low, x[1] - x[0]);
  out.high = fit_tail(high, x[x.size() - 1] - x[x.size() - 2]);
  return out;
}

}  // namespace

Marginals fit_marginals(ConstMatrixRef<double> x, ConstVectorRef<double> weights) {
  if (x.cols() < 50) throw InputError(fmt::format("marginals: {} rows: must be at least 50", x.cols()));
  if (weights.size() > 0 && weights.size() != x.cols())
    throw InputError(fmt::format("marginals: {} weights for {} rows", weights.size(), x.cols()));
  if (!x.allFinite()) throw InputError("marginals: a value is not finite");
  std::vector<MarginalMap> maps;
  for (Index i = 0; i < x.rows(); ++i) {
    const auto d = distribution(x, i, weights);
    if (d.value.empty()) throw InputError("marginals: no row has a positive weight");
    double squares = 0;
    for (const double w : d.weight) squares += w * w;
    maps.push_back(fit_map(d, static_cast<Index>(1 / squares)));
  }
  return Marginals(std::move(maps));
}

void set_marginals(Chain<double>& data_side, const Marginals& marginals) {
  for (std::size_t i = data_side.size(); i-- > 0;)
    if (data_side[i].kind() == marginals.kind()) data_side.remove(i);
  std::size_t at = 0;  // behind the affine map, where there is one
  for (std::size_t i = 0; i < data_side.size(); ++i)
    if (data_side[i].kind() == "affine") at = i + 1;
  data_side.insert(at, marginals.clone());
}

}  // namespace pathline
