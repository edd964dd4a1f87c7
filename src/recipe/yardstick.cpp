#include "recipe/yardstick.hpp"

#include "pathline/train/base_choice.hpp"

namespace pathline {
namespace {

double mean_of(const RowVector<double>& values, const RowVector<double>& weights) {
  return mean_error(values, weights).mean;
}

}  // namespace

template <class S> std::optional<Yardstick> measure(const Flow<S>& flow, const TrainingData& data,
                                                    const FittedMixture* mixture, const EvaluationOptions& evaluation,
                                                    double seconds) {
  const auto& test = data.test();
  if (test.x.cols() < 2) return {};
  if (const auto training = data.training(); !training || training->x.cols() < 2) return {};
  constexpr Index kMostRows = 100000, kMostTestRows = 20000;
  const BaseRows rows = base_rows_of(data, kMostRows);
  std::optional<FittedMixture> chosen;
  if (!mixture) {
    chosen.emplace(data, choose_base(rows, nullptr, {.seconds = seconds, .threads = evaluation.threads}).mixture);
    mixture = &*chosen;
  }
  const FittedMixture gaussian{data, fit_base(rows, {.components = 1, .prior_rows = 0, .threads = evaluation.threads})};
  const auto& weights = data.test_weights();
  Yardstick out;
  out.components = mixture->mixture.components();
  const RowVector<double> by_mixture = log_density(*mixture, test);
  out.gaussian_nll = -mean_of(log_density(gaussian, test), weights);
  out.mixture_nll = -mean_of(by_mixture, weights);
  const auto part = data.with_held_out_rows(0, kMostTestRows);
  const auto& some = part.test();
  const auto excess =
      mean_error(log_density(*mixture, some) - flow.log_prob(some.x, some.c, evaluation).log_prob, part.test_weights());
  out.excess = excess.mean, out.excess_error = excess.error;
  return out;
}

template std::optional<Yardstick> measure<float>(const Flow<float>&, const TrainingData&, const FittedMixture*,
                                                 const EvaluationOptions&, double);
template std::optional<Yardstick> measure<double>(const Flow<double>&, const TrainingData&, const FittedMixture*,
                                                  const EvaluationOptions&, double);

}  // namespace pathline
