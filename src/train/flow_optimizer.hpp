// The optimizer of a flow: its parameters in double precision, Adam, the moving average of the weights, and which
// parameters are trained.
#pragma once

#include "pathline/checkpoint/training_state.hpp"
#include "pathline/train/trainer.hpp"

namespace pathline {

template <class S> class FlowOptimizer {
 public:
  // Keeps the flow, whose parameters every function here sets, and the options. InputError naming an entry of
  // TrainerOptions::frozen with which no parameter's name starts.
  FlowOptimizer(Flow<S>& flow, const TrainerOptions& options);

  Index size() const { return theta_.size(); }  // the number of parameters

  // A stage starts from the averaged weights of the stage before it and with a new optimizer, because the moments of
  // another loss do not apply to it.
  void begin_stage();

  // Removes what is not trained from the gradient, clips it, and returns its norm before that.
  double clip(Vector<double>& gradient) const;
  void update(const ObjectiveGradient& gradient, double learning_rate);

  // The flow that is validated and saved: of the moving average of the weights, or of the weights themselves.
  Flow<S> averaged() const;

  // The present state, to which a run may go back. The objective has the first steps of its solves.
  GoodState snapshot(Index iteration, const Objective<S>& objective) const;
  void go_back(const GoodState& state, Objective<S>& objective);

  // Write the state for last.h5, and continue from it. The statistics of batch norms are in the flow of that file.
  void write(TrainingState& state, const Objective<S>& objective) const;
  void restore(const TrainingState& state, Objective<S>& objective);

 private:
  void restart(Vector<double> theta);
  Vector<double> decays() const;

  Flow<S>& flow_;
  const TrainerOptions& options_;
  Vector<double> trained_;  // 1 for a parameter that is trained, 0 for one that is not
  Vector<double> theta_;
  Adam adam_;
  Ema ema_;
};

extern template class FlowOptimizer<float>;
extern template class FlowOptimizer<double>;

}  // namespace pathline
