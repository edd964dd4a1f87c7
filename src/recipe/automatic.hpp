// The choice of a model by the data: what model.automatic means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pathline/recipe/recipe.hpp"
#include "pathline/train/base_choice.hpp"
#include "recipe/fitted_mixture.hpp"

namespace pathline {

struct Trial;

struct AutomaticChoice {
  Recipe recipe;                        // without model.automatic: a run of it is the same run, but for `beside`
  TrainingData data;                    // with marginal maps if they were chosen
  std::optional<GaussianMixture> base;  // that model.base_fit gives
  std::vector<std::string> reasons;     // what was tried and chosen, a line each
  std::optional<BaseChoice> mixture;    // if a network above it is still to be tried: see decide_on_network
  std::optional<FittedMixture> yardstick = {};  // the best mixture, where it is not the base
  std::optional<Recipe> beside = {};            // of the member that is this mixture, of an ensemble
};

// seconds: that are left of train.time. InputError for data that no recipe can train on.
AutomaticChoice choose_automatically(const Recipe& recipe, const TrainingData& data, double seconds, int threads);

// Whether a network above the mixture that gains so many nats in its trial has the rest of the time.
bool earns(double gain);

// Whether the time that is left belongs to the network, which in a trial of `trial_seconds` gained `gain` nats on the
// validation rows, or to more members of the base.
void decide_on_network(AutomaticChoice& choice, double gain, double trial_seconds, double seconds_left, int threads);

// The same data under a network above one Gaussian, from which no mixture keeps it that has learned the training rows by
// heart. A network that begins there has to move far, and learns fast.
AutomaticChoice above_gaussian(const AutomaticChoice& choice, int threads);

// Whether the network above one Gaussian is a chain of couplings, and not a continuous flow, which some of the recipe's
// options need.
bool learns_by_couplings(const Recipe& recipe, Index dim);

// "a network of 96, 96", "a chain of 6 spline couplings of 64, 64"
std::string name_of_network(const Recipe& recipe);

// Makes an ensemble of such networks in the seconds that are left, which the recipe then has as its time, where these
// are enough for several and one alone would learn the rows by heart.
void set_members(AutomaticChoice& choice, const Trial& trial, double seconds_left);

// Whether the mixture becomes a member beside such networks, which have to be chains of couplings: where the mean of
// both is better, and where they are ahead, so that the model is no worse than the mixture whatever they do in the run.
bool may_stand_beside(const AutomaticChoice& network, const Trial& trial, bool ahead);

// The mixture becomes a member beside the networks, after it was given more members of its own within the seconds.
void add_mixture(AutomaticChoice& networks, const AutomaticChoice& mixture, double seconds, int threads);

// Whether such a network, which after its trial is `lead` nats ahead of the mixture on the validation rows, has the rest
// of the time. The mixture gains more members otherwise, so that a small lead is none.
bool is_ahead(double lead);

// The options of the base's fit that the recipe describes.
BaseFitOptions base_fit_options(const Recipe& recipe, int threads);

}  // namespace pathline
