#include "train/run_record.hpp"

#include <filesystem>

#include "pathline/core/error.hpp"
#include "pathline/core/version.hpp"
#include "train/metrics_line.hpp"

namespace pathline {

template <class S>
RunRecord<S>::RunRecord(const TrainerOptions& options, const TrainingData& data, const Flow<S>& flow, Note note)
    : options_(options),
      data_(data),
      condition_range_(data.condition_dim() > 0 ? data.condition_range() : Matrix<double>()),
      note_(std::move(note)),
      files_(options.directory),
      pending_(note_),
      best_(flow) {}

template <class S> void RunRecord<S>::create(const Flow<S>& flow, const TrainingState& state) {
  if (!writes()) return;
  files_.lock();
  files_.create_new(options_.replace);
  write_last(flow, state);
}

template <class S> TrainingState RunRecord<S>::resume(Flow<S>& flow) {
  files_.check_existing();
  files_.lock();
  files_.remove_dead_parts();
  std::string note;
  const std::string from = files_.resumable(note);
  if (!note.empty() && note_) note_(note);
  auto card = read_parameters_into(from, flow);
  if (card.format_version == 1 && note_)
    note_(from + ": is of format 1, whose digest does not cover the solver and the base; this run rewrites it");
  auto state = read_training_state(from);
  if (state.theta.size() != flow.layout().size)
    throw InputError(from + ": its training state does not fit the flow: it has another number of parameters");
  if (state.data_hash != data_.hash())
    throw InputError(data_.name() + ": the rows or columns differ from those with which the run of " + from + " began");
  flow.set_theta(state.theta);
  best_ = flow;
  if (has_best(state) && std::filesystem::exists(files_.model())) read_best();
  metrics_ = std::move(card.metrics);
  files_.restart_metrics(metrics_);
  return state;
}

template <class S> void RunRecord<S>::read_best() {
  if (knows_best_) return;
  read_parameters_into(files_.model(), best_);
  knows_best_ = true;
}

template <class S> void RunRecord<S>::add_metrics(const std::string& line) {
  metrics_.push_back(line);
  if (writes())
    pending_.write(
        files_.metrics(), [&] { files_.append_metrics(line); }, [this] { files_.restart_metrics(metrics_); });
}

template <class S> void RunRecord<S>::keep_best(const Flow<S>& flow, const Evaluation& evaluation) {
  best_ = flow, knows_best_ = true, best_evaluation_ = evaluation;
  if (writes()) pending_.write(files_.model(), [this] { rewrite_best(); });
}

template <class S> void RunRecord<S>::rewrite_best() {
  if (writes()) write_model(files_.model(), Model<S>{best_, card()});
}

template <class S> void RunRecord<S>::save_last(const Flow<S>& flow, std::function<TrainingState()> state) {
  if (writes()) pending_.write(files_.last(), [this, &flow, state] { write_last(flow, state()); });
}

template <class S> void RunRecord<S>::write_last(const Flow<S>& flow, const TrainingState& state) const {
  files_.save_last(Model<S>{flow, card()}, state);
}

template <class S> std::string RunRecord<S>::checkpoint_clause() const {
  return writes() ? " the last checkpoint is " + files_.last() + ";" : "";
}

template <class S> ModelCard RunRecord<S>::card() const {
  return {.version = PATHLINE_VERSION,
          .precision = std::is_same_v<S, float> ? "float" : "double",
          .recipe = options_.recipe,
          .digest = "",
          .columns = data_.columns(),
          .condition_columns = data_.condition_columns(),
          .metrics = metrics_,
          .evaluation = options_.evaluation.solver,
          .condition_range = condition_range_,
          .discrete = data_.discrete_columns(),
          .trained = trained_figure(metrics_)};
}

template class RunRecord<float>;
template class RunRecord<double>;

}  // namespace pathline
