// A short training that shows whether a network above a base is worth the rest of the time.
#pragma once

#include "pathline/recipe/train_recipe.hpp"
#include "recipe/automatic.hpp"

namespace pathline {

// Sets every vector field to 0 (VectorField::set_zero), so that training starts from the density of the base.
// InputError for a field that cannot be set to 0, such as a potential.
template <class S> void set_velocity_to_zero(Flow<S>& flow);

struct TrialOptions {
  double seconds;
  Index rows;                // of validation: 5,000 tell a hundredth of a nat
  Index evaluate_every = 0;  // iterations; 0: as in the training
};

struct Trial {
  double gain = 0;  // nats: by how much the best network raises the validation log-density above that of `rival`
  // nats: by how much the best mean of both raises it, with the standard error
  double mean_gain = 0, mean_error = 0;
  double seconds = 0, best_seconds = 0;  // of the training, and after which of them the best network was there
  double epochs = 0;                     // passes through the training rows
  double each = 0;  // seconds that the density of one row takes, of the rival
};

// Trains the network of a choice above its base. Ends with the seconds, or after a third of them where the network will
// not come near the rival. rival: of the same rows.
template <class S> Trial try_network(const AutomaticChoice& choice, const FittedMixture& rival,
                                     const TrialOptions& trial, const TrainingOptions& options);

}  // namespace pathline
