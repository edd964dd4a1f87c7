// What a run does about an iteration that went wrong.
#pragma once

#include <string>

#include "pathline/checkpoint/training_state.hpp"

namespace pathline {

// An iteration that goes wrong is skipped. After several in a row, or a validation that goes wrong, the run goes back to
// its last good state with a smaller learning rate. After several of those without a good validation it stops. All of it
// is a function of the state, so a resumed run does the same.
class Recovery {
 public:
  enum class Action { skip, roll_back, stop };

  explicit Recovery(RecoveryState& state) : state_(state) {}  // kept

  // What is wrong with the loss and the norm of its gradient; empty if nothing is.
  std::string wrong(double loss, double norm) const;
  void iteration_went_well(double norm);
  // Whether enough went well since the last accident to trust a state whose validation went well; it is good then.
  bool validation_went_well();
  void new_stage();  // another loss has other gradients

  Action after_iteration(Index iteration);  // that went wrong
  Action after_validation();                // the same

 private:
  Action roll_back();

  RecoveryState& state_;
};

}  // namespace pathline
