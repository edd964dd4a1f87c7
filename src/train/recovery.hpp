// What a run does after an iteration whose loss or gradient is not usable.
#pragma once

#include <string>

#include "pathline/checkpoint/training_state.hpp"

namespace pathline {

// An iteration that goes wrong is skipped. After several in a row, or a validation that goes wrong, the run goes back
// to its last good state with a smaller learning rate. After several of those without a good validation it stops. All
// of it is a function of the state, so a resumed run does the same.
class Recovery {
 public:
  enum class Action { skip, roll_back, stop };

  explicit Recovery(RecoveryState& state) : state_(state) {}  // kept

  // What is wrong with the loss and the norm of its gradient; empty if nothing is.
  std::string wrong(double loss, double norm) const;
  void iteration_went_well(double norm);
  // Records a valid validation. True if enough iterations have succeeded since the last failure to call this state
  // good; what went wrong before it is then forgotten.
  bool validation_went_well();
  void new_stage();  // forgets the usual gradient: another loss has gradients of another size

  Action after_iteration(Index iteration);  // after one that failed
  Action after_validation();                // the same

  // A sentence on an iteration or a validation that failed, for the user, and what NumericalError says of a run that
  // stops. where: "iteration 30". good: the iteration of the last good state. checkpoint: a clause on the last one.
  std::string report(Action action, const std::string& where, const std::string& reason, Index good) const;
  std::string failure(const std::string& checkpoint) const;
  void remember(const std::string& what);  // of the failures since the last good state, failure() names the first

 private:
  Action roll_back();

  RecoveryState& state_;
  std::string first_wrong_;
};

}  // namespace pathline
