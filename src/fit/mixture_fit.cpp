// Expectation maximization. Sums over rows are cut into at most kParts parts, each summed in order, and the parts are
// added in order: the result is a function of the rows alone, not of the threads.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <Eigen/Cholesky>

#include "core/clock.hpp"
#include "core/option_check.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"
#include "pathline/fit/mixture_fit.hpp"

namespace pathline {
namespace {

constexpr Index kRowBlock = 256;  // rows of one product
constexpr Index kParts = 64;   // partial sums

Index features(Index d) { return 1 + d + d * (d + 1) / 2; }

// What the maximization needs of the rows, by component: K x (1 + d + d(d+1)/2), sums of r, r x and r x x^T; and the
// sum of w log p.
struct Moments {
  Matrix<double> sums;
  double log_density = 0;
};

class Data {
 public:
  Data(ConstMatrixRef<double> rows, ConstVectorRef<double> weights, int threads)
      : rows_(rows), weights_(weights), threads_(threads) {
    if (weights_.size() == 0) weights_ = Vector<double>::Ones(rows.cols());
    require(weights_.size() == rows.cols(), "weights", weights_.size(), "as many as rows");
    require(rows_.allFinite(), "rows", "a value", "finite");
    require(rows.cols() == 0 || (weights_.minCoeff() >= 0 && std::isfinite(weights_.sum()) && weights_.sum() > 0),
            "weights", weights_.sum(), "finite and >= 0, with a positive sum");
  }
  const Matrix<double>& rows() const { return rows_; }
  const Vector<double>& weights() const { return weights_; }
  Index dim() const { return rows_.rows(); }
  Index size() const { return rows_.cols(); }
  Index parts() const { return std::min(kParts, (size() + kRowBlock - 1) / kRowBlock); }
  int threads() const { return threads_; }
  double total() const { return weights_.sum(); }

  // Calls body(begin, count, part) for the blocks of each part, in order within a part.
  template <class F> void for_blocks(F body) const {
    const Index blocks = (size() + kRowBlock - 1) / kRowBlock, parts = this->parts();
    parallel_for(parts, threads_, [&](Index part, int) {
      for (Index block = blocks * part / parts; block < blocks * (part + 1) / parts; ++block)
        body(block * kRowBlock, std::min(kRowBlock, size() - block * kRowBlock), part);
    });
  }

 private:
  Matrix<double> rows_;
  Vector<double> weights_;
  int threads_;
};

// phi: features x n, of the columns of x.
void fill_features(ConstMatrixRef<double> x, Matrix<double>& phi) {
  const Index d = x.rows();
  phi.resize(features(d), x.cols());
  for (Index b = 0; b < x.cols(); ++b) {
    double* to = phi.col(b).data();
    *to++ = 1;
    for (Index i = 0; i < d; ++i) *to++ = x(i, b);
    for (Index i = 0; i < d; ++i)
      for (Index j = 0; j <= i; ++j) *to++ = x(i, b) * x(j, b);
  }
}

// share(begin, n, out, log_density) fills the K x n shares of a block of rows and returns its sum of w log p.
template <class F> Moments sum_moments(const Data& data, Index components, F share) {
  std::vector<Moments> parts(static_cast<std::size_t>(data.parts()));
  for (auto& part : parts) part.sums.setZero(components, features(data.dim()));
  data.for_blocks([&](Index begin, Index n, Index part) {
    static thread_local Matrix<double> shares, phi;
    Moments& sum = parts[static_cast<std::size_t>(part)];
    sum.log_density += share(begin, n, shares);
    for (Index b = 0; b < n; ++b) shares.col(b) *= data.weights()[begin + b];
    fill_features(data.rows().middleCols(begin, n), phi);
    sum.sums.noalias() += shares * phi.transpose();
  });
  for (std::size_t i = 1; i < parts.size(); ++i) {
    parts[0].sums += parts[i].sums;
    parts[0].log_density += parts[i].log_density;
  }
  return std::move(parts[0]);
}

double sum_log_density(const GaussianMixture& mixture, const Data& data) {
  std::vector<double> parts(static_cast<std::size_t>(data.parts()), 0.0);
  data.for_blocks([&](Index begin, Index n, Index part) {
    const RowVector<double> log_p = mixture.log_density(data.rows().middleCols(begin, n));
    for (Index b = 0; b < n; ++b)
      if (data.weights()[begin + b] > 0) parts[static_cast<std::size_t>(part)] += data.weights()[begin + b] * log_p[b];
  });
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

Moments expect(const GaussianMixture& mixture, const Data& data) {
  return sum_moments(data, mixture.components(), [&](Index begin, Index n, Matrix<double>& shares) {
    static thread_local Matrix<double> scratch;
    mixture.log_joint(data.rows().middleCols(begin, n), shares, scratch);
    double sum = 0;
    for (Index b = 0; b < n; ++b) {
      auto column = shares.col(b).array();
      const double top = column.maxCoeff();
      column = (column - top).exp();
      const double total = column.sum();
      column *= 1 / total;
      sum += data.weights()[begin + b] * (top + std::log(total));
    }
    return sum;
  });
}

// The moments of the rows as one component: mean and covariance (lower triangle filled to full).
struct Gaussian {
  double rows;
  Vector<double> mean;
  Matrix<double> covariance;
};
Gaussian gaussian(Eigen::Ref<const RowVector<double>, 0, Eigen::InnerStride<>> sums, Index d) {
  Gaussian g{sums[0], sums.segment(1, d).transpose() / sums[0], Matrix<double>(d, d)};
  Index at = 1 + d;
  for (Index i = 0; i < d; ++i)
    for (Index j = 0; j <= i; ++j, ++at)
      g.covariance(i, j) = g.covariance(j, i) = sums[at] / sums[0] - g.mean[i] * g.mean[j];
  // A variance below the rounding error of the mean's square is none, and the digits of its covariances are noise.
  for (Index i = 0; i < d; ++i)
    if (!(g.covariance(i, i) > 1e-13 * g.mean[i] * g.mean[i]))
      g.covariance.row(i).setZero(), g.covariance.col(i).setZero();
  return g;
}

struct Prior {
  double rows;
  Matrix<double> pooled;  // towards which covariances are shrunk
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
  for (Index k = 0; k < moments.sums.rows(); ++k)
    if (moments.sums(k, 0) > 1e-2) parts.push_back(gaussian(moments.sums.row(k), d));
  if (parts.empty()) throw NumericalError("mixture: every component vanished; use fewer components");
  const Index k = static_cast<Index>(parts.size());
  Vector<double> weights(k);
  Matrix<double> means(d, k);
  std::vector<Matrix<double>> scales;
  for (Index j = 0; j < k; ++j) {
    Gaussian& g = parts[static_cast<std::size_t>(j)];
    weights[j] = g.rows;
    means.col(j) = g.mean;
    g.covariance = (g.rows * g.covariance + prior.rows * prior.pooled) / (g.rows + prior.rows);
    g.covariance += prior.ridge;
    // Rounding to steps of h is as a uniform error of variance h^2 / 12 (Sheppard 1898).
    g.covariance.diagonal() += (prior.floor - g.covariance.diagonal()).cwiseMax(0.0);
    scales.push_back(cholesky(g.covariance));
  }
  weights /= weights.sum();
  return GaussianMixture(weights, means, std::move(scales));
}

// k-means++ (Arthur & Vassilvitskii 2007): each centre is a row, drawn by its weight times the squared distance to the
// nearest centre so far. Distances are of standardized columns. Gives the rows' nearest centres after a few iterations
// of Lloyd's.
std::vector<Index> cluster(const Data& data, const Vector<double>& deviation, Index components, Engine& engine) {
  const Index d = data.dim(), n = data.size();
  const Matrix<double> z = data.rows().array().colwise() / deviation.array();
  Matrix<double> centres(d, components);
  Vector<double> distance = Vector<double>::Constant(n, 1.0);
  for (Index k = 0; k < components; ++k) {
    double left = uniform(engine) * data.weights().dot(distance);
    Index row = 0;
    for (Index i = 0; i < n; ++i) {
      const double p = data.weights()[i] * distance[i];
      if (p > 0) row = i;
      if ((left -= p) < 0) break;
    }
    centres.col(k) = z.col(row);
    const Vector<double> now = (z.colwise() - centres.col(k)).colwise().squaredNorm().transpose();
    distance = k == 0 ? now : distance.cwiseMin(now).eval();
    if (!(data.weights().dot(distance) > 0)) {  // fewer distinct rows than components
      centres.conservativeResize(d, k + 1);
      break;
    }
  }
  std::vector<Index> nearest(static_cast<std::size_t>(n), 0);
  for (int round = 0; round < 8; ++round) {
    const Vector<double> half = 0.5 * centres.colwise().squaredNorm().transpose();
    data.for_blocks([&](Index begin, Index count, Index) {
      static thread_local Matrix<double> near;
      near.noalias() = centres.transpose() * z.middleCols(begin, count);
      for (Index b = 0; b < count; ++b) (near.col(b) - half).maxCoeff(&nearest[static_cast<std::size_t>(begin + b)]);
    });
    Matrix<double> sum = Matrix<double>::Zero(d, centres.cols());
    Vector<double> mass = Vector<double>::Zero(centres.cols());
    for (Index i = 0; i < n; ++i) {
      const Index k = nearest[static_cast<std::size_t>(i)];
      sum.col(k) += data.weights()[i] * z.col(i);
      mass[k] += data.weights()[i];
    }
    for (Index k = 0; k < centres.cols(); ++k)
      if (mass[k] > 0) centres.col(k) = sum.col(k) / mass[k];
  }
  return nearest;
}

Moments moments_of_one(const Data& data) {
  return sum_moments(data, 1, [](Index, Index n, Matrix<double>& shares) {
    shares.setOnes(1, n);
    return 0.0;
  });
}

void check(const MixtureOptions& o, Index dim, Index rows) {
  require(o.components >= 1, "components", o.components, ">= 1");
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
Matrix<double> pooled_covariance(const Data& data, double diagonal) {
  const Index d = data.dim();
  Matrix<double> clamped = data.rows();
  for (Index i = 0; i < d; ++i) {
    const auto sorted = sorted_row(clamped, i);
    const double low = quantile(sorted, 0.01), high = quantile(sorted, 0.99), margin = 3 * (high - low);
    // Where 98 % of the rows have one value, the spread is that of the others.
    if (margin > 0) clamped.row(i) = clamped.row(i).cwiseMax(low - margin).cwiseMin(high + margin);
  }
  Matrix<double> covariance = gaussian(moments_of_one(Data(clamped, data.weights(), data.threads())).sums.row(0), d).covariance;
  const Vector<double> variance = covariance.diagonal();
  covariance *= 1 - diagonal;
  for (Index i = 0; i < d; ++i) covariance(i, i) = variance[i] > 0 ? variance[i] : 1;  // 1: a constant column
  return covariance;
}

MixtureFit fit(const Data& data, const Data& validation, const MixtureOptions& options) {
  const Index d = data.dim();
  const Matrix<double> pooled = pooled_covariance(data, options.diagonal);
  const double shrink = std::pow(static_cast<double>(options.components), -2.0 / static_cast<double>(d));
  Matrix<double> ridge = options.regularization * pooled;
  ridge.diagonal() *= 1 + 1e-6;  // where columns are collinear
  const Prior prior{options.prior_rows, shrink * pooled, ridge,
                    options.floor.size() > 0 ? options.floor : Vector<double>(Vector<double>::Zero(d))};

  Engine engine = make_stream(options.seed, "mixture", static_cast<std::uint64_t>(options.components));
  const std::vector<Index> nearest = cluster(data, pooled.diagonal().cwiseSqrt(), options.components, engine);
  GaussianMixture now = maximize(sum_moments(data, options.components,
                                             [&](Index begin, Index n, Matrix<double>& shares) {
                                               shares.setZero(options.components, n);
                                               for (Index b = 0; b < n; ++b)
                                                 shares(nearest[static_cast<std::size_t>(begin + b)], b) = 1;
                                               return 0.0;
                                             }),
                                 d, prior);

  const double total = data.total();
  const bool validated = validation.size() > 0;
  MixtureFit best{now, kNaN, kNaN, 0, false};
  double before = -std::numeric_limits<double>::infinity();
  for (Index iteration = 1; iteration <= options.iterations; ++iteration) {
    const Moments moments = expect(now, data);
    const double train = moments.log_density / total;
    if (iteration % 10 == 0 || iteration == options.iterations) {  // `train` is of `now`
      const double held = validated ? sum_log_density(now, validation) / validation.total() : kNaN;
      const bool better = !validated || best.iterations == 0 || held > best.validation_log_density;
      if (better) best = {now, train, held, iteration, false};
      if (iteration - best.iterations >= 20 || train - before < 10 * options.tolerance) {
        best.converged = true;
        return best;
      }
      before = train;
    }
    now = maximize(moments, d, prior);
  }
  return best;
}

}  // namespace

MixtureFit fit_mixture(ConstMatrixRef<double> rows, ConstVectorRef<double> weights, ConstMatrixRef<double> validation,
                       ConstVectorRef<double> validation_weights, const MixtureOptions& options) {
  return choose_mixture(rows, weights, validation, validation_weights, {options.components}, options);
}

// A column far from 0 loses no digits: the fit is of the rows less their medians, which no outlier moves.
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
  const Data data(rows.colwise() - shift, weights, options.threads);
  const Data held(validation.cols() > 0 ? Matrix<double>(validation.colwise() - shift) : Matrix<double>(rows.rows(), 0),
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

GaussianMixture average(const std::vector<GaussianMixture>& mixtures) {
  require(!mixtures.empty(), "mixtures", "an empty list", "one or more");
  if (mixtures.size() == 1) return mixtures[0];  // whose weights a division would round
  const Index d = mixtures[0].dim();
  Index k = 0;
  for (const auto& m : mixtures) {
    require(m.dim() == d, "mixtures", m.dim(), "of the same dimension");
    k += m.components();
  }
  Vector<double> weights(k);
  Matrix<double> means(d, k);
  std::vector<Matrix<double>> scales;
  Index at = 0;
  for (const auto& m : mixtures) {
    weights.segment(at, m.components()) = m.weights() / static_cast<double>(mixtures.size());
    means.middleCols(at, m.components()) = m.means();
    for (Index j = 0; j < m.components(); ++j) scales.push_back(m.scale(j));
    at += m.components();
  }
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
