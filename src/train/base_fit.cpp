#include "pathline/train/base_fit.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <Eigen/Cholesky>

#include "core/option_check.hpp"
#include "pathline/core/error.hpp"
#include "pathline/fit/conditional_mixture.hpp"
#include "train/spaced_rows.hpp"
#include "train/weighted_mean.hpp"

namespace pathline {
namespace {

Vector<double> as_vector(const RowVector<double>& weights) { return weights.transpose(); }

Matrix<double> toward_base(const Chain<double>& data_side, ConstMatrixRef<double> x, RowVector<double>& log_det) {
  TransformScratch<double> scratch;
  const SolveOptions<double> options;
  const Matrix<double> no_condition;
  Matrix<double> z = x;
  log_det.setZero(x.cols());
  data_side.apply(Direction::data_to_base, z, &log_det, {scratch, options, no_condition});
  return z;
}

// The standardized condition on top of z: dc + d rows.
template <class S> Matrix<double> behind_condition(const Flow<S>& flow, ConstMatrixRef<double> c, Matrix<double> z) {
  if (flow.condition_dim() == 0) return z;
  Matrix<double> out(flow.condition_dim() + z.rows(), z.cols());
  out << flow.standardized_condition(c).template cast<double>(), z;
  return out;
}

// A mixture's prior counts rows, but the unit of weights is arbitrary: they get the sum of Kish's effective sample size
// of the training rows.
void count_rows(Vector<double>& training, Vector<double>& validation) {
  if (training.size() == 0) return;
  const double top = training.maxCoeff();  // 1e-300 and 1e300 have squares of 0 and infinity
  training /= top, validation /= top;
  const double unit = training.sum() / training.squaredNorm();
  training *= unit, validation *= unit;
}

Vector<double> weights_or_ones(const Vector<double>& weights, Index n) {
  return weights.size() > 0 ? weights : Vector<double>(Vector<double>::Ones(n));
}

// Adds a component about as wide as all of them together, with the weight of one row among `rows`: that of what no row
// has shown (Good 1953). Without it a single row beside a narrow component costs thousands of nats.
GaussianMixture with_background(const GaussianMixture& mixture, double rows) {
  constexpr double kWider = 2;  // times the covariance of the mixture
  const Index k = mixture.components(), d = mixture.dim();
  const Vector<double>& of = mixture.weights();
  const Vector<double> mean = mixture.means() * of / of.sum();
  const Matrix<double> apart = mixture.means().colwise() - mean;
  Matrix<double> covariance = apart * (of / of.sum()).asDiagonal() * apart.transpose(), means(d, k + 1);
  std::vector<Matrix<double>> scales;
  for (Index i = 0; i < k; ++i) {
    scales.push_back(mixture.scale(i));
    covariance += of[i] / of.sum() * scales.back() * scales.back().transpose();
  }
  const Eigen::LLT<Matrix<double>> llt(kWider * covariance);
  if (llt.info() != Eigen::Success) return mixture;  // of columns that are nearly collinear
  scales.push_back(llt.matrixL());
  Vector<double> weights(k + 1);
  weights << of / of.sum() * (rows / (rows + 1)), 1 / (rows + 1);
  means << mixture.means(), mean;
  return GaussianMixture(weights, means, std::move(scales));
}

// The training and the validation rows together, as training rows.
BaseRows joined(const BaseRows& rows) {
  BaseRows out;
  const Index n = rows.training.cols(), m = rows.validation.cols();
  out.training.resize(rows.training.rows(), n + m);
  out.training << rows.training, rows.validation;
  if (rows.training_weights.size() > 0 || rows.validation_weights.size() > 0) {
    out.training_weights.resize(n + m);
    out.training_weights << weights_or_ones(rows.training_weights, n), weights_or_ones(rows.validation_weights, m);
  }
  out.validation.resize(rows.training.rows(), 0);
  out.validation_log_det.resize(0);
  out.condition_dim = rows.condition_dim;
  return out;
}

}  // namespace

template <class S> BaseRows base_rows(const Flow<S>& flow, const TrainingData& data, Index most_rows) {
  auto rows = data.training();
  if (!rows) throw InputError("base: only the rows of a table can be fitted, not the draws of a toy");
  BaseRows out;
  out.training_weights = as_vector(data.training_weights()),
  out.validation_weights = as_vector(data.validation_weights());
  rows = spaced_points(*rows, most_rows, out.training_weights);
  auto held = spaced_points(data.validation(), most_rows, out.validation_weights);
  count_rows(out.training_weights, out.validation_weights);
  RowVector<double> unused;
  out.condition_dim = flow.condition_dim();
  out.training = behind_condition(flow, rows->c, toward_base(flow.data_side, rows->x, unused));
  Matrix<double>& validation = held.x;
  if (data.periods()) {  // the rows of training() are unfolded
    Engine engine = make_stream(0, "base.validation");
    Matrix<double> u(validation.rows(), validation.cols());
    fill_uniform<double>(engine, u);
    data.periods()->unfold(validation, u);
  }
  out.validation = behind_condition(flow, held.c, toward_base(flow.data_side, validation, out.validation_log_det));
  return out;
}

MixtureFit fit_base_member(const BaseRows& rows, const BaseFitOptions& o, Index member) {
  require(o.inflation > 0 && std::isfinite(o.inflation), "inflation", o.inflation, "> 0");
  // The data do not determine a density more finely than the steps to which they are rounded.
  const Vector<double> step = rounding_steps(rows.training);
  const MixtureOptions options{.components = o.components,
                               .iterations = o.iterations,
                               .prior_rows = o.prior_rows,
                               .diagonal = o.diagonal,
                               .floor = step.array().square() / 12,
                               .threads = o.threads,
                               .seed = o.seed + static_cast<std::uint64_t>(member)};
  const BaseRows all = o.all_rows ? joined(rows) : BaseRows{};
  const BaseRows& used = o.all_rows ? all : rows;
  auto fit = fit_mixture(used.training, used.training_weights, used.validation, used.validation_weights, options);
  const double count =
      used.training_weights.size() > 0 ? used.training_weights.sum() : static_cast<double>(used.training.cols());
  if (o.components > 1) fit.mixture = with_background(fit.mixture, count);
  if (o.inflation == 1) return fit;
  std::vector<Matrix<double>> scales;
  for (Index k = 0; k < fit.mixture.components(); ++k) scales.push_back(std::sqrt(o.inflation) * fit.mixture.scale(k));
  fit.mixture = GaussianMixture(fit.mixture.weights(), fit.mixture.means(), std::move(scales));
  return fit;
}

GaussianMixture fit_base(const BaseRows& rows, const BaseFitOptions& o) {
  require(o.members >= 1, "members", o.members, ">= 1");
  GaussianMixture mean = fit_base_member(rows, o, 0).mixture;
  for (Index i = 1; i < o.members; ++i) mean = with_member(mean, i, fit_base_member(rows, o, i).mixture);
  return mean;
}

RowVector<double> log_density_of(const GaussianMixture& mixture, ConstMatrixRef<double> rows, Index condition_dim) {
  return ConditionalMixture(mixture, condition_dim)
      .log_density(rows.bottomRows(rows.rows() - condition_dim), rows.topRows(condition_dim));
}

RowVector<double> validation_log_density(const GaussianMixture& mixture, const BaseRows& rows) {
  return log_density_of(mixture, rows.validation, rows.condition_dim) + rows.validation_log_det;
}

double robust_gain(const RowVector<double>& a, const RowVector<double>& b, const Vector<double>& weights) {
  assert(a.size() == b.size());
  if (a.size() == 0) return 0;
  RowVector<double> difference = a - b;
  std::vector<double> sorted(difference.begin(), difference.end());
  std::sort(sorted.begin(), sorted.end());
  // A hundredth of the rows and one row at least, if there are ten.
  const auto cut = std::min(std::max<std::size_t>(sorted.size() / 100, 1), sorted.size() / 10);
  difference = difference.cwiseMax(sorted[cut]).cwiseMin(sorted[sorted.size() - 1 - cut]);
  return weighted_mean(difference, weights);
}

template BaseRows base_rows<float>(const Flow<float>&, const TrainingData&, Index);
template BaseRows base_rows<double>(const Flow<double>&, const TrainingData&, Index);

}  // namespace pathline
