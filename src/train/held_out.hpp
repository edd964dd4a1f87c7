// What a run holds out, and how good a flow is on it.
#pragma once

#include "pathline/train/trainer.hpp"

namespace pathline {

class HeldOut {
 public:
  // References are kept. target: null, or what takes the place of data: draws of the flow are then held-out points, the
  // same at every call.
  HeldOut(const TrainerOptions& options, const TrainingData& data, const Target* target);

  void set_solver(const SolverOptions& solver) { evaluation_.solver = solver; }
  template <class S> Evaluation validation(const Flow<S>& flow) const;
  // With the exact trace; where that would take too much memory or time, with Hutchinson's, and trace_error says how
  // far the probes may be off. Of a target, with a search for lost modes.
  template <class S> Evaluation test(const Flow<S>& flow) const;

 private:
  Engine stream(const char* purpose) const;

  const TrainerOptions& options_;
  const TrainingData& data_;
  const Target* target_;
  EvaluationOptions evaluation_;
  std::optional<RowVector<double>> validation_density_;
};

extern template Evaluation HeldOut::validation<float>(const Flow<float>&) const;
extern template Evaluation HeldOut::validation<double>(const Flow<double>&) const;
extern template Evaluation HeldOut::test<float>(const Flow<float>&) const;
extern template Evaluation HeldOut::test<double>(const Flow<double>&) const;

}  // namespace pathline
