#include "recipe/yardstick.hpp"

#include <limits>

#include "core/log_sum_exp.hpp"
#include "pathline/train/base_choice.hpp"
#include "recipe/automatic.hpp"

namespace pathline {
namespace {

double mean_of(const RowVector<double>& values, const RowVector<double>& weights) {
  return mean_error(values, weights).mean;
}

// log-densities of points in the units of the data, of a mixture in those of the flow's chain. A point with periodic
// columns has several images.
template <class S>
RowVector<double> log_density(const GaussianMixture& mixture, const Flow<S>& flow, const Matrix<double>& x) {
  const auto on_the_line = [&](const Matrix<double>& points) {
    RowVector<double> log_det = RowVector<double>::Zero(points.cols());
    const Matrix<double> z = flow.standardized(points, &log_det).template cast<double>();
    return RowVector<double>(mixture.log_density(z) + log_det);
  };
  if (!flow.periods()) return on_the_line(x);
  RowVector<double> out = RowVector<double>::Constant(x.cols(), -std::numeric_limits<double>::infinity());
  for (const auto& image : flow.periods()->images(x)) {
    const RowVector<double> of_image = on_the_line(image.x);
    for (std::size_t k = 0; k < image.points.size(); ++k) {
      double& sum = out[image.points[k]];
      sum = log_sum_exp(Eigen::Array2d(sum, of_image[static_cast<Index>(k)]));
    }
  }
  return out;
}

}  // namespace

template <class S> std::optional<Yardstick> measure(const Flow<S>& flow, const TrainingData& data,
                                                    const GaussianMixture* mixture, const EvaluationOptions& evaluation,
                                                    double seconds) {
  const auto& test = data.test();
  if (test.x.cols() < 2 || data.condition_dim() > 0 || !data.training() || data.training()->x.cols() < 2) return {};
  const BaseRows rows = base_rows_of(data);
  std::optional<BaseChoice> chosen;
  if (!mixture) {
    chosen.emplace(choose_base(rows, nullptr, {.seconds = seconds, .threads = evaluation.threads}));
    mixture = &chosen->mixture;
  }
  const auto gaussian = fit_base(rows, {.components = 1, .prior_rows = 0, .threads = evaluation.threads});
  const auto& weights = data.test_weights();
  Yardstick out;
  out.components = mixture->components();
  const RowVector<double> by_mixture = log_density(*mixture, flow, test.x);
  out.gaussian_nll = -mean_of(log_density(gaussian, flow, test.x), weights);
  out.mixture_nll = -mean_of(by_mixture, weights);
  const auto excess = mean_error(by_mixture - flow.log_prob(test.x, test.c, evaluation).log_prob, weights);
  out.excess = excess.mean, out.excess_error = excess.error;
  return out;
}

template std::optional<Yardstick> measure<float>(const Flow<float>&, const TrainingData&, const GaussianMixture*,
                                                 const EvaluationOptions&, double);
template std::optional<Yardstick> measure<double>(const Flow<double>&, const TrainingData&, const GaussianMixture*,
                                                  const EvaluationOptions&, double);

}  // namespace pathline
