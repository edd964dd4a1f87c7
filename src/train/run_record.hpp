// What a run keeps of itself: the lines of its metrics, its best model, and the files that contain them.
#pragma once

#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pathline/train/trainer.hpp"
#include "train/pending_writes.hpp"
#include "train/run_directory.hpp"

namespace pathline {

// Whether some flow counts as the best so far; it may be the one before the first iteration.
inline bool has_best(const TrainingState& state) { return state.best_iteration > 0 || std::isfinite(state.best); }

// Without TrainerOptions::directory nothing is written, and the rest is the same.
template <class S> class RunRecord {
 public:
  using Note = std::function<void(const std::string&)>;

  // Keeps the options, whose recipe and solver of the evaluation go into every file as they are then, and the data.
  // flow: the best so far. note: may be null.
  RunRecord(const TrainerOptions& options, const TrainingData& data, const Flow<S>& flow, Note note);

  // Begins a new run in the directory, which is locked as long as this object exists. InputError if it holds a run
  // that is not to be replaced.
  void create(const Flow<S>& flow, const TrainingState& state);
  // Reads the run in the directory and locks it. The flow gets the parameters of its last state. InputError if the
  // state does not fit the flow or the data.
  TrainingState resume(Flow<S>& flow);

  void add_metrics(const std::string& line);
  void keep_best(const Flow<S>& flow, const Evaluation& evaluation);
  void rewrite_best();  // with the options as they are now
  // Writes last.h5, with the flow and the state at the time of writing: a file that cannot be written is tried again.
  void save_last(const Flow<S>& flow, std::function<TrainingState()> state);

  void retry() { pending_.retry(); }    // what could not be written
  void finish() { pending_.finish(); }  // the same; throws the InputError of what still cannot be written

  const Flow<S>& best() const { return best_; }
  void read_best();  // from model.h5, unless it is known
  const std::optional<Evaluation>& best_evaluation() const { return best_evaluation_; }  // none of a resumed run's
  // " the last checkpoint is RUN/last.h5;", for a message; empty if nothing is written
  std::string checkpoint_clause() const;

 private:
  bool writes() const { return !options_.directory.empty(); }
  ModelCard card() const;
  void write_last(const Flow<S>& flow, const TrainingState& state) const;

  const TrainerOptions& options_;
  const TrainingData& data_;
  Matrix<double> condition_range_;  // dc x 2, for the card
  Note note_;
  RunDirectory files_;
  PendingWrites pending_;
  std::vector<std::string> metrics_;
  Flow<S> best_;
  bool knows_best_ = false;  // false: the best of a resumed run is in model.h5
  std::optional<Evaluation> best_evaluation_;
};

extern template class RunRecord<float>;
extern template class RunRecord<double>;

}  // namespace pathline
