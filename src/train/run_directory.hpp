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

  void create_new() const;   // InputError if it holds a run or cannot be made
  void check_existing() const;  // InputError if there is no last.h5

  // metrics.jsonl: as a whole, for a run that goes on; one line more, flushed.
  void restart_metrics(const std::vector<std::string>& lines) const;
  void append_metrics(const std::string& line) const;

  template <class S> void save_last(const Model<S>& model, const TrainingState& state) const {
    auto out = Hdf5File::create(last());
    write_model(out, model);
    write_training_state(out, state);
    out.commit();
  }

 private:
  std::string path_;
};

}  // namespace pathline
