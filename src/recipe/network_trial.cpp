#include "recipe/network_trial.hpp"

#include <algorithm>
#include <limits>

#include "core/clock.hpp"
#include "pathline/core/error.hpp"
#include "pathline/recipe/build_flow.hpp"
#include "pathline/recipe/build_stages.hpp"
#include "recipe/ensemble_weights.hpp"
#include "train/mixture_search.hpp"

namespace pathline {
namespace {

// Whether a network would still be behind `rival` at the end of its trial if it went on as it does.
class Hopeless {
 public:
  Hopeless(double seconds, double rival) : seconds_(seconds), rival_(rival) {}
  bool operator()(const TrainingProgress& p) {
    if (p.validation) {
      rate_ = last_seconds_ > 0 ? (last_nll_ - p.validation->nll) / (p.seconds - last_seconds_) : 0;
      last_seconds_ = p.seconds, last_nll_ = p.validation->nll;
    }
    return p.seconds > seconds_ / 3 && last_nll_ - std::max(rate_, 0.0) * (seconds_ - last_seconds_) > rival_;
  }

 private:
  double seconds_, rival_;             // of the trial; its NLL
  double last_seconds_ = 0, last_nll_ = -std::numeric_limits<double>::infinity(), rate_ = 0;  // nats a second
};

}  // namespace

template <class S> void set_velocity_to_zero(Flow<S>& flow) {
  for (auto* block : flow.blocks())
    if (!block->field->set_zero()) throw InputError("model.base_fit needs model.field = mlp");
}

template <class S> Trial try_network(const AutomaticChoice& choice, const FittedMixture& rival,
                                     const TrialOptions& trial, const TrainingOptions& options) {
  const auto data = choice.data.with_held_out_rows(trial.rows, 0);
  const auto& held = data.validation();
  const Vector<double> weights = data.validation_weights().transpose();
  Recipe recipe = choice.recipe;
  recipe.train.seconds = trial.seconds;
  if (trial.evaluate_every > 0) recipe.train.evaluate_every = trial.evaluate_every;
  recipe.model = with_hidden(recipe.model, data.dim());
  auto trainer = trainer_options(recipe);
  trainer.threads = options.threads, trainer.validate_first = true, trainer.max_error = 0;
  const auto evaluation = trainer.evaluation;
  const double began = seconds_now();
  const RowVector<double> before = log_density(rival, held);
  Trial out;
  out.each = (seconds_now() - began) / static_cast<double>(std::max<Index>(held.x.cols(), 1));
  const double rival_nll = evaluation_of(before, 0, {}, data.validation_weights()).nll;
  auto flow = build_flow<S>(recipe, data.dim(), data.condition_dim());
  set_velocity_to_zero(flow);
  data.set_units(flow);
  flow.base = make_base(*choice.base, data.condition_dim());
  Hopeless hopeless(trial.seconds, rival_nll + 0.5);
  TrainingCallbacks<S> callbacks;
  callbacks.iteration = [&](const TrainingProgress& p, const Flow<S>&) {
    if (p.validation && p.best) out.best_seconds = p.seconds;
    return hopeless(p) || (options.stop && options.stop()) ? TrainingAction::stop : TrainingAction::proceed;
  };
  Trainer<S> training(flow, data, build_stages<S>(recipe, options.target), std::move(trainer), callbacks);
  try {
    const auto result = training.run();
    out.seconds = result.seconds;
    out.epochs =
        static_cast<double>(result.iterations * recipe.train.batch) / static_cast<double>(data.training()->x.cols());
  } catch (const NumericalError&) {  // what does not train gains nothing
    return out;
  }
  const RowVector<double> after = training.best().log_prob(held.x, held.c, evaluation).log_prob;
  out.gain = robust_gain(after, before, weights);
  Matrix<double> both(2, before.size());
  both << before, after;
  const RowVector<double> mean = log_of_mean(both, ensemble_weights(both, weights.transpose()));
  out.mean_gain = robust_gain(mean, before, weights), out.mean_error = gain_error(mean, before);
  return out;
}

template void set_velocity_to_zero<float>(Flow<float>&);
template void set_velocity_to_zero<double>(Flow<double>&);
template Trial try_network<float>(const AutomaticChoice&, const FittedMixture&, const TrialOptions&,
                                  const TrainingOptions&);
template Trial try_network<double>(const AutomaticChoice&, const FittedMixture&, const TrialOptions&,
                                   const TrainingOptions&);

}  // namespace pathline
