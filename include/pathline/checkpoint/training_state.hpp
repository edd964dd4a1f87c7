/// \file
/// What a run must store to continue as if it had never stopped.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "pathline/io/hdf5.hpp"
#include "pathline/optim/adam.hpp"
#include "pathline/optim/ema.hpp"

namespace pathline {

/// What a run remembers of iterations that went wrong.
struct RecoveryState {
  double rate = 1;  ///< factor of the learning rate
  Index skipped = 0, rollbacks = 0;          ///< in a row; since the last good state
  Index all_skipped = 0, all_rollbacks = 0;  ///< in the whole run
  Index well = 0;                            ///< iterations that went well since the last that did not
  double log_norm = 0;  ///< running mean of the logarithm of the gradient's norm
  Index norms = 0;      ///< over so many iterations
};

/// The last state of a run that is known to be good, to which it goes back.
struct GoodState {
  Index iteration = 0;
  Vector<double> theta;
  AdamState adam;
  EmaState ema;
  Vector<double> first_steps, statistics;  ///< statistics: mean and variance of each batch norm
};

struct TrainingState {
  Index iteration = 0;  ///< iterations done
  /// The parameters in the optimizer's double precision; the model in the same file may be rounded to float.
  Vector<double> theta;
  AdamState adam;
  EmaState ema;                                           ///< average is empty without EMA
  /// first steps of the solves of the last iteration; empty if there were none
  Vector<double> first_steps;
  double best = std::numeric_limits<double>::infinity();  ///< validation NLL of model.h5
  Index best_iteration = 0, evaluations_since_best = 0;
  double seconds = 0;           ///< spent so far
  std::uint64_t data_hash = 0;  ///< of the table; 0 for a toy
  RecoveryState recovery;
  std::optional<GoodState> good;  ///< none: this state is the last good one
};

/// Writes the group `training` of last.h5.
void write_training_state(Hdf5File& out, const TrainingState& state);
/// Throws InputError naming the file for a model without training state ("model.h5: has no training state to resume;
/// expected last.h5").
[[nodiscard]] TrainingState read_training_state(const std::string& file);

}  // namespace pathline
