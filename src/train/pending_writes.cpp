#include "train/pending_writes.hpp"

#include <chrono>
#include <thread>

#include "pathline/core/error.hpp"

namespace pathline {

void PendingWrites::write(const std::string& name, const std::function<void()>& write, std::function<void()> again) {
  try {
    if (kept_.count(name) > 0) again();  // writes everything, because what failed before is missing in the file
    else write();
    kept_.erase(name);
  } catch (const InputError& error) {
    kept_[name] = std::move(again);
    if (note_) note_(std::string(error.what()) + "; the run goes on and writes it again later");
  }
}

void PendingWrites::retry() {
  const auto all = kept_;
  for (const auto& [name, again] : all) write(name, again);
}

void PendingWrites::finish() {
  constexpr int kTries = 3;
  for (int i = 1; i < kTries && !kept_.empty(); ++i) {
    retry();
    if (!kept_.empty()) std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  for (const auto& [name, again] : kept_) again();
  kept_.clear();
}

}  // namespace pathline
