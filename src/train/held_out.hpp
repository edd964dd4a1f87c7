// The held-out data of a run, and the evaluation of a flow on it.
#pragma once

#include <optional>
#include <vector>

#include "pathline/train/trainer.hpp"

namespace pathline {

// The data with the validation rows that the options ask for, and all test rows.
inline TrainingData with_validation_rows(TrainingData data, const TrainerOptions& options) {
  if (options.validation_rows == 0) return data;
  return data.with_held_out_rows(options.validation_rows, data.test().x.cols());
}

// The target that takes the place of held-out data, or null if there are data or no target is known. InputError if
// there are none and a stage needs them.
template <class S> const Target* target_instead_of(const TrainingData& data, const std::vector<Stage<S>>& stages);

class HeldOut {
 public:
  // Keeps references. target: null, or the target that takes the place of data; the held-out points are then draws of
  // the flow, which use the same random numbers in every call.
  HeldOut(const TrainerOptions& options, const TrainingData& data, const Target* target);

  void set_solver(const SolverOptions& solver) { evaluation_.solver = solver; }
  template <class S> Evaluation validation(const Flow<S>& flow) const;
  // Uses the exact trace. If that needs too much memory or time, it uses Hutchinson's, and trace_error is the standard
  // error that the probes cause. For a target, it also searches for lost modes.
  template <class S> Evaluation test(const Flow<S>& flow) const;
  double test_share() const;  // the duration of the test as a multiple of that of a validation

 private:
  Engine stream(const char* purpose) const;

  const TrainerOptions& options_;
  const TrainingData& data_;
  const Target* target_;
  EvaluationOptions evaluation_;
  std::optional<RowVector<double>> validation_density_;
};

extern template const Target* target_instead_of(const TrainingData&, const std::vector<Stage<float>>&);
extern template const Target* target_instead_of(const TrainingData&, const std::vector<Stage<double>>&);
extern template Evaluation HeldOut::validation<float>(const Flow<float>&) const;
extern template Evaluation HeldOut::validation<double>(const Flow<double>&) const;
extern template Evaluation HeldOut::test<float>(const Flow<float>&) const;
extern template Evaluation HeldOut::test<double>(const Flow<double>&) const;

}  // namespace pathline
