#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <Eigen/Cholesky>

#include "core/clock.hpp"
#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "fit/clusters.hpp"
#include "fit/expectation.hpp"
#include "pathline/core/error.hpp"
#include "pathline/fit/mixture_fit.hpp"

namespace pathline {
namespace {

// The moments of the rows as one component: mean and covariance (lower triangle filled to full).
struct Gaussian {
  double rows;
  Vector<double> mean;
  Matrix<double> covariance;
};
Gaussian gaussian(ConstVectorRef<double> sums, Index d) {
  Gaussian g{sums[0], sums.segment(1, d) / sums[0], Matrix<double>(d, d)};
  Index at = 1 + d;
  for (Index i = 0; i < d; ++i)
    for (Index j = 0; j <= i; ++j, ++at)
      g.covariance(i, j) = g.covariance(j, i) = sums[at] / sums[0] - g.mean[i] * g.mean[j];
  // A variance below the rounding error of the squared mean is taken as 0; its covariances would be rounding noise.
  for (Index i = 0; i < d; ++i)
    if (!(g.covariance(i, i) > 1e-13 * g.mean[i] * g.mean[i]))
      g.covariance.row(i).setZero(), g.covariance.col(i).setZero();
  return g;
}

struct Prior {
  double rows;
  Matrix<double> pooled;  // of all rows
  Matrix<double> shrunk;  // towards which covariances are shrunk
  Matrix<double> ridge;   // added to every covariance
  Vector<double> floor;   // d: the least variances
};

// A lower triangular factor of `covariance`, whose smallest eigenvalues are lifted until there is one.
Matrix<double> cholesky(Matrix<double> covariance) {
  const Vector<double> variance = covariance.diagonal();
  for (double lift = 1e-14;; lift *= 10) {
    const Eigen::LLT<Matrix<double>> llt(covariance);
    const Matrix<double> l = llt.matrixL();
    if (llt.info() == Eigen::Success && l.diagonal().minCoeff() > 0 && l.allFinite()) return l;
    if (!(lift < 1)) throw NumericalError("mixture: a covariance is not positive; standardize the columns first");
    covariance.diagonal() += lift * variance;
  }
}

// Components that hold less than a hundredth of a row are dropped.
GaussianMixture maximize(const Moments& moments, Index d, const Prior& prior) {
  std::vector<Gaussian> parts;
  for (Index k = 0; k < moments.sums.cols(); ++k)
    if (moments.sums(0, k) > 1e-2) parts.push_back(gaussian(moments.sums.col(k), d));
  if (parts.empty()) throw NumericalError("mixture: every component vanished; use fewer components");
  const Index k = static_cast<Index>(parts.size());
  Vector<double> weights(k);
  Matrix<double> means(d, k);
  std::vector<Matrix<double>> scales;
  for (Index j = 0; j < k; ++j) {
    Gaussian& g = parts[static_cast<std::size_t>(j)];
    weights[j] = g.rows;
    means.col(j) = g.mean;
    g.covariance = (g.rows * g.covariance + prior.rows * prior.shrunk) / (g.rows + prior.rows);
    g.covariance += prior.ridge;
    // Rounding to steps of h is as a uniform error of variance h^2 / 12 (Sheppard 1898).
    g.covariance.diagonal() += (prior.floor - g.covariance.diagonal()).cwiseMax(0.0);
    scales.push_back(cholesky(g.covariance));
  }
  weights /= weights.sum();
  return GaussianMixture(weights, means, std::move(scales));
}

void check(const MixtureOptions& o, Index dim, Index rows) {
  require(o.components >= 1, "components", o.components, ">= 1");
  const auto each = static_cast<double>(dim) * static_cast<double>(dim + 1) + 1;
  require_memory("components", o.components, sizeof(double) * static_cast<double>(o.components) * each);
  require(o.iterations >= 1, "iterations", o.iterations, ">= 1");
  require(o.tolerance > 0, "tolerance", o.tolerance, "> 0");
  require(o.regularization > 0, "regularization", o.regularization, "> 0");
  require(o.prior_rows >= 0, "prior_rows", o.prior_rows, ">= 0");
  require(o.diagonal >= 0 && o.diagonal <= 1, "diagonal", o.diagonal, "in [0, 1]");
  require(o.floor.size() == 0 || o.floor.size() == dim, "floor", o.floor.size(), "as many as columns, or empty");
  for (const double value : o.floor) require(value >= 0 && std::isfinite(value), "floor", value, ">= 0 and finite");
  require(rows >= 1, "rows", rows, ">= 1");
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The value below which a fraction q of the sorted values lies.
double quantile(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

std::vector<double> sorted_row(ConstMatrixRef<double> rows, Index i) {
  std::vector<double> out(static_cast<std::size_t>(rows.cols()));
  for (Index b = 0; b < rows.cols(); ++b) out[static_cast<std::size_t>(b)] = rows(i, b);
  std::sort(out.begin(), out.end());
  return out;
}

// The covariance of rows whose outliers are clamped: see MixtureOptions::prior_rows.
Matrix<double> pooled_covariance(const MixtureRows& data, double diagonal) {
  const Index d = data.dim();
  Matrix<double> clamped = data.rows();
  for (Index i = 0; i < d; ++i) {
    const auto sorted = sorted_row(clamped, i);
    const double low = quantile(sorted, 0.01), high = quantile(sorted, 0.99), margin = 3 * (high - low);
    // Where 98 % of the rows have one value, the spread is that of the others.
    if (margin > 0) clamped.row(i) = clamped.row(i).cwiseMax(low - margin).cwiseMin(high + margin);
  }
  const MixtureRows rows(clamped, data.weights(), data.threads());
  const std::vector<Index> one(static_cast<std::size_t>(data.size()), 0);
  Matrix<double> covariance = gaussian(moments_of_clusters(rows, one, 1).sums.col(0), d).covariance;
  const Vector<double> variance = covariance.diagonal();
  covariance *= 1 - diagonal;
  for (Index i = 0; i < d; ++i) covariance(i, i) = variance[i] > 0 ? variance[i] : 1;  // 1: a constant column
  return covariance;
}

Prior prior_of(const MixtureRows& data, const MixtureOptions& options) {
  const Index d = data.dim();
  const Matrix<double> pooled = pooled_covariance(data, options.diagonal);
  const double shrink = std::pow(static_cast<double>(options.components), -2.0 / static_cast<double>(d));
  const double less = options.prior_rows > 0 ? std::min(1.0, options.prior_rows) : 1;
  Matrix<double> ridge = less * options.regularization * pooled;
  ridge.diagonal() *= 1 + 1e-6;  // where columns are collinear
  return {options.prior_rows, pooled, shrink * pooled, ridge,
          options.floor.size() > 0 ? options.floor : Vector<double>(Vector<double>::Zero(d))};
}

// If clusters are much farther apart than they are wide, the pooled covariance is too wide a prior by orders of
// magnitude: two clusters of width 1 at a distance of 10^6 were fitted with a width of 500. Where the clusters are in some
// direction a hundred times as narrow as the prior, the covariance within the clusters replaces the pooled one. With fewer
// rows than twice the columns some directions are narrow by chance, or have no width: the covariance within the clusters
// then gives the widths of the columns alone.
constexpr double kFarApart = 1e-4;  // ratio of variances

// size: the number of rows.
void follow_clusters(const Moments& moments, Index d, Index size, double regularization, Prior& prior) {
  Matrix<double> within = Matrix<double>::Zero(d, d);
  double rows = 0;
  const Index clusters = moments.sums.cols();
  for (Index k = 0; k < clusters; ++k) {
    if (!(moments.sums(0, k) > 0)) continue;
    const Gaussian g = gaussian(moments.sums.col(k), d);
    within += g.rows * g.covariance, rows += g.rows;
  }
  within /= rows;
  if (size - clusters <= 2 * d) within = Matrix<double>(within.diagonal().asDiagonal());
  within.diagonal() = within.diagonal().cwiseMax(prior.floor).eval();
  const Eigen::LLT<Matrix<double>> wide_enough(within - kFarApart * prior.shrunk);
  if (wide_enough.info() == Eigen::Success) return;
  within.diagonal() += 1e-12 * prior.pooled.diagonal();
  prior.shrunk = within;
  prior.ridge = regularization * within;
}

double mean_log_density(const GaussianMixture& mixture, const MixtureRows& data) {
  std::vector<double> parts(static_cast<std::size_t>(data.parts()), 0.0);
  data.for_blocks([&](Index, Index begin, Index n, Index part) {
    const RowVector<double> log_p = mixture.log_density(data.rows().middleCols(begin, n));
    for (Index b = 0; b < n; ++b)
      if (data.weights()[begin + b] > 0) parts[static_cast<std::size_t>(part)] += data.weights()[begin + b] * log_p[b];
  });
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum / data.total();
}

// Runs expectation maximization from best.mixture on, and stores the mixture with the least validation NLL there, or the
// last one if there are no validation rows.
void iterate(const MixtureRows& data, const MixtureRows& validation, const Prior& prior, const MixtureOptions& options,
           Index iterations, MixtureFit& best) {
  const double total = data.total();
  const bool validated = validation.size() > 0;
  Expectation expect(data);
  GaussianMixture now = best.mixture;
  double before = -std::numeric_limits<double>::infinity();
  Index last_gain = 0;
  best.converged = false;
  for (Index iteration = 1; iteration <= iterations; ++iteration) {
    const Moments moments = expect(now);
    ++best.iterations, best.work += static_cast<double>(data.size() * now.components());
    const double train = moments.log_density / total;
    if (iteration % 10 == 0 || iteration == iterations) {  // `train` is of `now`
      const double held = validated ? mean_log_density(now, validation) : kNaN;
      if (!validated || !(held <= best.validation_log_density)) {
        best.mixture = now, best.train_log_density = train, best.validation_log_density = held;
        last_gain = iteration;
      }
      best.converged = iteration - last_gain >= 20 || train - before < 10 * options.tolerance;
      if (best.converged) return;
      before = train;
    }
    now = maximize(moments, data.dim(), prior);
  }
}

// With many rows, most of the iterations use a part of them, and the last fifth uses all.
constexpr Index kManyRows = 40000, kManyRowsEach = 50;

MixtureFit fit(const MixtureRows& data, const MixtureRows& validation, const MixtureOptions& options) {
  Prior prior = prior_of(data, options);
  Engine engine = make_stream(options.seed, "mixture", static_cast<std::uint64_t>(options.components));
  const Clusters clusters = find_clusters(data, prior.pooled.diagonal().cwiseSqrt(), options.components, engine);
  // Neighbouring rows come into the same block.
  std::vector<Index> order = every(1, data.size()), nearest;
  const auto cluster_of = [&](Index row) { return clusters.nearest[static_cast<std::size_t>(row)]; };
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return cluster_of(a) < cluster_of(b); });
  for (const Index row : order) nearest.push_back(cluster_of(row));
  const MixtureRows rows = data.some(order);

  const Moments start = moments_of_clusters(rows, nearest, clusters.count);
  follow_clusters(start, data.dim(), data.size(), options.regularization, prior);
  MixtureFit out{maximize(start, data.dim(), prior), kNaN, kNaN, 0, false};
  if (options.components == 1) {  // takes all rows, so that its first iteration is its last
    iterate(rows, validation, prior, options, 1, out);
    out.converged = true;
    return out;
  }
  const Index step = rows.size() / std::max(kManyRows, kManyRowsEach * options.components);
  if (step >= 2) iterate(rows.some(every(step, rows.size())), validation, prior, options, options.iterations, out);
  iterate(rows, validation, prior, options, step >= 2 ? (options.iterations + 4) / 5 : options.iterations, out);
  return out;
}

}  // namespace

MixtureFit fit_mixture(ConstMatrixRef<double> rows, ConstVectorRef<double> weights, ConstMatrixRef<double> validation,
                       ConstVectorRef<double> validation_weights, const MixtureOptions& options) {
  return choose_mixture(rows, weights, validation, validation_weights, {options.components}, options);
}

// The median of each column, which outliers do not move, is subtracted, so that a column far from 0 loses no digits.
MixtureFit choose_mixture(ConstMatrixRef<double> rows, ConstVectorRef<double> weights,
                          ConstMatrixRef<double> validation, ConstVectorRef<double> validation_weights,
                          const std::vector<Index>& components, const MixtureOptions& options, double seconds) {
  const double began = seconds_now();
  check(options, rows.rows(), rows.cols());
  require(!components.empty(), "components", "an empty list", "one number or more");
  require(validation.cols() == 0 || validation.rows() == rows.rows(), "validation", validation.rows(),
          "of as many columns as rows");
  require(rows.allFinite() && validation.allFinite(), "rows", "a value", "finite");
  Vector<double> shift(rows.rows());
  for (Index i = 0; i < rows.rows(); ++i) shift[i] = quantile(sorted_row(rows, i), 0.5);
  const MixtureRows data(rows.colwise() - shift, weights, options.threads);
  const MixtureRows held(
      validation.cols() > 0 ? Matrix<double>(validation.colwise() - shift) : Matrix<double>(rows.rows(), 0),
      validation_weights, options.threads);
  std::optional<MixtureFit> best;
  int without_gain = 0;
  for (const Index k : components) {
    if (best && (k > rows.cols() || without_gain >= 2 || (seconds > 0 && seconds_now() - began > seconds))) break;
    MixtureOptions one = options;
    one.components = k;
    check(one, rows.rows(), rows.cols());
    MixtureFit next = fit(data, held, one);
    const bool better = !best || (held.size() > 0 ? next.validation_log_density > best->validation_log_density
                                                  : next.train_log_density > best->train_log_density);
    without_gain = better ? 0 : without_gain + 1;
    if (better) best = std::move(next);
  }
  std::vector<Matrix<double>> scales;
  for (Index k = 0; k < best->mixture.components(); ++k) scales.push_back(best->mixture.scale(k));
  best->mixture = GaussianMixture(best->mixture.weights(), best->mixture.means().colwise() + shift, std::move(scales));
  return *best;
}

GaussianMixture with_member(const GaussianMixture& mean, Index members, const GaussianMixture& other) {
  require(members >= 1, "members", members, ">= 1");
  require(other.dim() == mean.dim(), "mixtures", other.dim(), "of the same dimension");
  const double m = static_cast<double>(members);
  Vector<double> weights(mean.components() + other.components());
  weights << m / (m + 1) * mean.weights(), other.weights() / (m + 1);
  Matrix<double> means(mean.dim(), weights.size());
  means << mean.means(), other.means();
  std::vector<Matrix<double>> scales;
  for (const auto* part : {&mean, &other})
    for (Index k = 0; k < part->components(); ++k) scales.push_back(part->scale(k));
  return GaussianMixture(weights / weights.sum(), means, std::move(scales));
}

Vector<double> rounding_steps(ConstMatrixRef<double> rows) {
  Vector<double> out = Vector<double>::Zero(rows.rows());
  for (Index i = 0; i < rows.rows(); ++i) {
    const auto sorted = sorted_row(rows, i);
    if (sorted.size() < 2) continue;
    const double same = 1e-9 * (quantile(sorted, 0.99) - quantile(sorted, 0.01));  // 0.1 + 0.2 is 0.3
    std::vector<double> gaps;
    for (std::size_t b = 1; b < sorted.size(); ++b)
      if (sorted[b] - sorted[b - 1] > same) gaps.push_back(sorted[b] - sorted[b - 1]);
    const double repeats = static_cast<double>(sorted.size() - 1 - gaps.size());
    if (gaps.empty() || repeats < 0.1 * static_cast<double>(sorted.size())) continue;
    std::sort(gaps.begin(), gaps.end());
    out[i] = quantile(gaps, 0.1);
  }
  return out;
}

}  // namespace pathline
