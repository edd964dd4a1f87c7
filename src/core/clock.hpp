// The clocks of progress and of time limits.
#pragma once

#include <chrono>
#include <ctime>

namespace pathline {

// Seconds since a fixed moment; it never goes back.
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Seconds that the CPU spent on this process, its threads together: what other processes do does not count.
inline double cpu_seconds_now() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace pathline
