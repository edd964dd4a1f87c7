/// \file
/// What a run must remember to go on as if it had not stopped.
#pragma once

#include <cstdint>
#include <limits>

#include "pathline/io/hdf5.hpp"
#include "pathline/optim/adam.hpp"
#include "pathline/optim/ema.hpp"

namespace pathline {

struct TrainingState {
  Index iteration = 0;  ///< done so far
  /// Raw, as the optimizer has it. The model beside it may be rounded to float.
  Vector<double> theta;
  AdamState adam;
  EmaState ema;                                           ///< average is empty without EMA
  Vector<double> first_steps;                             ///< of the last iteration's solves; empty if there were none
  double best = std::numeric_limits<double>::infinity();  ///< validation NLL of model.h5
  Index best_iteration = 0, evaluations_since_best = 0;
  double seconds = 0;           ///< spent so far
  std::uint64_t data_hash = 0;  ///< of the table; 0 for a toy
};

/// In the group `training` of last.h5.
void write_training_state(Hdf5File& out, const TrainingState& state);
/// InputError naming the file for a model without one ("model.h5: has no training state to resume; expected last.h5").
TrainingState read_training_state(const std::string& file);

}  // namespace pathline
