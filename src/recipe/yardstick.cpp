#include "recipe/yardstick.hpp"

#include <limits>

#include "core/log_sum_exp.hpp"
#include "pathline/fit/conditional_mixture.hpp"
#include "pathline/train/base_choice.hpp"
#include "recipe/automatic.hpp"

namespace pathline {
namespace {

double mean_of(const RowVector<double>& values, const RowVector<double>& weights) {
  return mean_error(values, weights).mean;
}

// log-densities of points x under conditions c in the units of the data, of a mixture in those of the flow's chain. A
// point with periodic columns has several images.
template <class S>
RowVector<double> log_density(const GaussianMixture& mixture, const Flow<S>& flow, const TrainingData::Points& at) {
  const ConditionalMixture conditional(mixture, flow.condition_dim());
  const auto& x = at.x;
  const Matrix<double> c = flow.standardized_condition(at.c).template cast<double>();
  const auto on_the_line = [&](const Matrix<double>& points, const Matrix<double>& conditions) {
    RowVector<double> log_det = RowVector<double>::Zero(points.cols());
    const Matrix<double> z = flow.standardized(points, &log_det).template cast<double>();
    return RowVector<double>(conditional.log_density(z, conditions) + log_det);
  };
  if (!flow.periods()) return on_the_line(x, c);
  RowVector<double> out = RowVector<double>::Constant(x.cols(), -std::numeric_limits<double>::infinity());
  for (const auto& image : flow.periods()->images(x)) {
    const RowVector<double> of_image =
        on_the_line(image.x, c.rows() > 0 ? Matrix<double>(c(Eigen::all, image.points)) : c);
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
  if (test.x.cols() < 2) return {};
  if (const auto training = data.training(); !training || training->x.cols() < 2) return {};
  constexpr Index kMostRows = 100000, kMostTestRows = 20000;
  const BaseRows rows = base_rows_of(data, kMostRows);
  std::optional<BaseChoice> chosen;
  if (!mixture) {
    chosen.emplace(choose_base(rows, nullptr, {.seconds = seconds, .threads = evaluation.threads}));
    mixture = &chosen->mixture;
  }
  const auto gaussian = fit_base(rows, {.components = 1, .prior_rows = 0, .threads = evaluation.threads});
  const auto& weights = data.test_weights();
  Yardstick out;
  out.components = mixture->components();
  const RowVector<double> by_mixture = log_density(*mixture, flow, test);
  out.gaussian_nll = -mean_of(log_density(gaussian, flow, test), weights);
  out.mixture_nll = -mean_of(by_mixture, weights);
  const auto part = data.with_held_out_rows(0, kMostTestRows);
  const auto& some = part.test();
  const auto excess =
      mean_error(log_density(*mixture, flow, some) - flow.log_prob(some.x, some.c, evaluation).log_prob,
                 part.test_weights());
  out.excess = excess.mean, out.excess_error = excess.error;
  return out;
}

template std::optional<Yardstick> measure<float>(const Flow<float>&, const TrainingData&, const GaussianMixture*,
                                                 const EvaluationOptions&, double);
template std::optional<Yardstick> measure<double>(const Flow<double>&, const TrainingData&, const GaussianMixture*,
                                                  const EvaluationOptions&, double);

}  // namespace pathline
