// The files of a run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/lock_file.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/checkpoint/training_state.hpp"

namespace pathline {

class RunDirectory {
 public:
  explicit RunDirectory(const std::string& path) : path_(path) {}

  std::string model() const { return path_ + "/model.h5"; }
  std::string last() const { return path_ + "/last.h5"; }
  std::string previous() const { return path_ + "/previous.h5"; }  // the former last.h5
  std::string metrics() const { return path_ + "/metrics.jsonl"; }
  std::string ensemble() const { return path_ + "/ensemble.toml"; }  // the recipe of a run with member-1, member-2, ...

  // The recipe of its first member, where that is a mixture of Gaussians beside flows.
  std::string mixture() const { return path_ + "/mixture.toml"; }

  std::string member(Index k) const;  // the directory of the run of member k, from 0: member-1, member-2, ...

  // Makes the directory if it is not there, and locks it until the object is destroyed. Throws InputError that names
  // the process which holds the lock.
  void lock();
  // Throws InputError if the path is a file, or if the directory contains a run that is not to be replaced.
  void check_new(bool replace) const;
  // Removes the run in the directory if it is to be replaced. Throws as check_new() does.
  void create_new(bool replace) const;
  void check_existing() const;  // throws InputError if there is neither a last.h5 nor a previous.h5
  // The file to resume from: last.h5, or previous.h5 if that is missing or damaged; note then says so. Throws
  // InputError, about last.h5, if neither can be read.
  std::string resumable(std::string& note) const;
  // Removes the files of the members of an ensemble, and their directories if nothing else is in them.
  void remove_members() const;
  // Removes the temporary files of a process that was killed while it wrote.
  void remove_dead_parts() const;

  // Reads the lines of metrics.jsonl, writes it anew for a resumed run, or appends one line and flushes it.
  std::vector<std::string> metrics_lines() const;
  void restart_metrics(const std::vector<std::string>& lines) const;
  void append_metrics(const std::string& line) const;

  template <class S> void save_last(const Model<S>& model, const TrainingState& state) const {
    auto out = Hdf5File::create_sealed(last());
    write_model(out, model);
    write_training_state(out, state);
    out.commit(previous());
  }

 private:
  std::string path_;
  std::unique_ptr<LockFile> lock_;
};

}  // namespace pathline
