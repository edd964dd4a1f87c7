#include "train/impossible_evaluation.hpp"

#include <fmt/format.h>

#include "train/least_nll.hpp"

namespace pathline {
namespace {

// If the solve of the training is too coarse, the loss falls without bound. The same batch with the solver of the
// evaluation shows it.
template <class S> std::string too_coarse(const Evaluation& e, const TrainingProgress& progress, const Flow<S>& flow,
                                          const TrainingData& data, Index size, const TrainerOptions& options) {
  const double margin = 5 + 0.5 * static_cast<double>(flow.dim());
  if (progress.kind != "likelihood" || !(progress.loss < e.nll - margin)) return "";
  const auto batch = data.batch(progress.iteration - 1, size);
  auto evaluation = options.evaluation;
  evaluation.threads = options.threads;
  const double nll = -flow.log_prob(batch.x, batch.c, evaluation).log_prob.mean();
  if (!(progress.loss < nll - margin)) return "";
  return fmt::format(
      "the loss of {:.4g} nats is not that of the density, {:.4g} nats on the same batch: the solve of the training "
      "is too coarse; use adaptive steps (SolverOptions.steps = 0), more steps or a smaller SolverOptions.rtol",
      progress.loss, nll);
}

}  // namespace

template <class S> std::string impossible(const Evaluation& e, const TrainingProgress& progress, const Flow<S>& flow,
                                          const TrainingData& data, Index batch, const TrainerOptions& options) {
  if (const auto bound = least_nll(data, e); bound && e.nll < *bound)
    return fmt::format(
        "the NLL of {:.4g} nats is below {:.4g}, the least that the resolution of the data allows: the density "
        "concentrates on repeated values (TrainingDataOptions.discrete, TrainingDataOptions.dequantize)",
        e.nll, *bound);
  return too_coarse(e, progress, flow, data, batch, options);
}

template std::string impossible<float>(const Evaluation&, const TrainingProgress&, const Flow<float>&,
                                       const TrainingData&, Index, const TrainerOptions&);
template std::string impossible<double>(const Evaluation&, const TrainingProgress&, const Flow<double>&,
                                        const TrainingData&, Index, const TrainerOptions&);

}  // namespace pathline
