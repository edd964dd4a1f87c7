#include "recipe/yardstick.hpp"

#include "pathline/train/base_choice.hpp"
#include "recipe/automatic.hpp"

namespace pathline {
namespace {

double mean_of(const RowVector<double>& values, const RowVector<double>& weights) {
  return mean_error(values, weights).mean;
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
  RowVector<double> log_det = RowVector<double>::Zero(test.x.cols());
  const Matrix<double> z = flow.standardized(test.x, &log_det).template cast<double>();
  const auto& weights = data.test_weights();
  Yardstick out;
  out.components = mixture->components();
  const RowVector<double> by_mixture = mixture->log_density(z) + log_det;
  out.gaussian_nll = -mean_of(gaussian.log_density(z) + log_det, weights);
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
