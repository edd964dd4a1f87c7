// The clock of progress and of time limits.
#pragma once

#include <chrono>

namespace pathline {

// Seconds since a fixed moment; it never goes back.
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace pathline
