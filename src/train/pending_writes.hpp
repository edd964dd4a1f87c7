// Files of a run that could not be written.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace pathline {

// A disk may be full for a while, and a run has in memory all that its files shall contain. A write that fails is reported
// with a note, and repeated until it succeeds.
class PendingWrites {
 public:
  explicit PendingWrites(std::function<void(const std::string&)> note) : note_(std::move(note)) {}

  // Calls write. If it throws an InputError, `again` is kept under the name, in place of what was kept before.
  void write(const std::string& name, const std::function<void()>& write, std::function<void()> again);
  void write(const std::string& name, const std::function<void()>& write) { this->write(name, write, write); }

  void retry();   // all that is kept
  void finish();  // the same, a few times; throws the InputError of one that still cannot be written

 private:
  std::function<void(const std::string&)> note_;
  std::map<std::string, std::function<void()>> kept_;
};

}  // namespace pathline
