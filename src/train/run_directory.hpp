// The files of a run.
#pragma once

#include <string>
#include <vector>

#include "pathline/checkpoint/model.hpp"
#include "pathline/checkpoint/training_state.hpp"

namespace pathline {

class RunDirectory {
 public:
  explicit RunDirectory(const std::string& path) : path_(path) {}

  std::string model() const { return path_ + "/model.h5"; }
  std::string last() const { return path_ + "/last.h5"; }
  std::string metrics() const { return path_ + "/metrics.jsonl"; }

  // InputError if it cannot be made, or holds a run (a last.h5 or a model.h5) that is not to be replaced.
  void create_new(bool replace) const;
  void check_existing() const;  // InputError if there is no last.h5
  // The temporary files of a process that was killed while it wrote.
  void remove_dead_parts() const;

  // metrics.jsonl: as a whole, for a run that goes on; one line more, flushed.
  void restart_metrics(const std::vector<std::string>& lines) const;
  void append_metrics(const std::string& line) const;

  template <class S> void save_last(const Model<S>& model, const TrainingState& state) const {
    auto out = Hdf5File::create_sealed(last());
    write_model(out, model);
    write_training_state(out, state);
    out.commit();
  }

 private:
  std::string path_;
};

}  // namespace pathline
