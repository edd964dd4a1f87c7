#include "recipe/choose_model.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "recipe/network_trial.hpp"

namespace pathline {
namespace {

constexpr double kTrialShare = 0.1;     // of the time
constexpr double kGaussianShare = 0.3;  // of what is left, for one above one Gaussian
constexpr double kMembersShare = 0.25;  // of what is left after that, for more members of a mixture beside it
constexpr double kLeastSeconds = 0.01;  // for a choice after the reading took all of the time

template <class S> class ModelSearch {
 public:
  ModelSearch(const Recipe& asked, double began, const TrainingOptions& options, bool may_be_several)
      : asked_(asked), began_(began), options_(options), may_be_several_(may_be_several) {}

  AutomaticChoice run(const TrainingData& data) const {
    const double seconds = asked_.train.seconds > 0 ? std::max(left(), kLeastSeconds) : 0;
    auto choice = choose_automatically(asked_, data, seconds, options_.threads);
    if (!choice.mixture) return choice;
    const FittedMixture mixture{choice.data, *choice.base};
    // Couplings learn faster than a continuous flow, and are tried first.
    const bool couplings = learns_by_couplings(asked_, data.dim());
    if (couplings)
      if (auto networks = above_one_gaussian(choice, mixture)) return std::move(*networks);
    const double trial_began = seconds_now();
    const Trial above = try_network<S>(choice, mixture, {kTrialShare * asked_.train.seconds, 5000}, options_);
    const double took = seconds_now() - trial_began;
    if (!couplings && !earns(above.gain))
      if (auto networks = above_one_gaussian(choice, mixture)) return std::move(*networks);
    const double held_out = above.each * static_cast<double>(data.validation().x.cols() + data.test().x.cols());
    decide_on_network(choice, above.gain, took, 0.99 * left() - held_out, options_.threads);
    return choice;
  }

 private:
  double left() const { return asked_.train.seconds - (seconds_now() - began_); }

  // The choice of such networks, alone or beside the mixture; nothing where they are too far behind it.
  std::optional<AutomaticChoice> above_one_gaussian(AutomaticChoice& choice, const FittedMixture& mixture) const {
    auto networks = above_gaussian(choice, options_.threads);
    const double seconds = kGaussianShare * left();
    if (seconds <= 0) return {};  // on a busy machine the mixtures may have taken all of the time
    const Trial trial = try_network<S>(networks, mixture, {seconds, 1000, 50}, options_);
    const BaseFitOptions& fit = choice.mixture->fit;
    const auto text =
        fmt::format("{} above one Gaussian is {:.4f} nats {} a mixture of {} on the validation rows after {:.1f} s",
                    name_of_network(networks.recipe), std::abs(trial.gain), trial.gain > 0 ? "ahead of" : "behind",
                    fit.members * fit.components, trial.seconds);
    const auto mean =
        fmt::format("; the best mean of both gains {:.4f} +- {:.4f} nats", trial.mean_gain, trial.mean_error);
    const bool ahead = is_ahead(trial.gain);
    const bool both = may_be_several_ && may_stand_beside(networks, trial, ahead);
    if (!ahead && !both) {
      choice.reasons.push_back(text + mean);
      return {};
    }
    if (both) add_mixture(networks, choice, ahead ? 0 : kMembersShare * left(), options_.threads);
    if (may_be_several_) set_members(networks, trial, std::max(left(), kLeastSeconds));
    networks.reasons.push_back("base: 1 Gaussian; " + text + mean + what_follows(networks));
    return networks;
  }

  static std::string what_follows(const AutomaticChoice& networks) {
    const Index count = networks.recipe.model.ensemble - (networks.beside ? 1 : 0);
    const std::string trained = count > 1 ? fmt::format("; {} of them are trained", count) : ", and is trained";
    return trained + " in the time that is left" +
           (networks.beside ? ", and the model is a mean with the mixture" : "");
  }

  const Recipe& asked_;
  double began_;
  const TrainingOptions& options_;
  bool may_be_several_;
};

}  // namespace

template <class S> AutomaticChoice choose_model(const Recipe& asked, const TrainingData& data, double began,
                                                const TrainingOptions& options, bool may_be_several) {
  return ModelSearch<S>(asked, began, options, may_be_several).run(data);
}

template AutomaticChoice choose_model<float>(const Recipe&, const TrainingData&, double, const TrainingOptions&, bool);
template AutomaticChoice choose_model<double>(const Recipe&, const TrainingData&, double, const TrainingOptions&, bool);

}  // namespace pathline
