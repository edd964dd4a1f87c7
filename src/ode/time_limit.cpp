#include "pathline/ode/time_limit.hpp"

#include <atomic>
#include <cmath>

#include "core/clock.hpp"
#include "core/option_check.hpp"
#include "ode/solve_deadline.hpp"

namespace pathline {
namespace {

std::atomic<double> g_limit{0};
std::atomic<double> g_common_limit{0}, g_common_end{0};  // the end is by cpu_seconds_now()

void check_seconds(double seconds) {
  require(seconds >= 0 && std::isfinite(seconds), "timeout", seconds, ">= 0 (0: no limit)");
}

}  // namespace

void limit_solve_time(double seconds) {
  check_seconds(seconds);
  g_limit = seconds;
}

double solve_time_limit() { return g_limit; }

CommonTimeLimit::CommonTimeLimit(double seconds) {
  check_seconds(seconds);
  g_common_end = cpu_seconds_now() + seconds;
  g_common_limit = seconds;
}

CommonTimeLimit::~CommonTimeLimit() { g_common_limit = 0; }

SolveDeadline::SolveDeadline() : limit_(g_common_limit > 0 ? 0 : g_limit.load()), end_(seconds_now() + limit_) {}

double SolveDeadline::reached() const {
  if (limit_ > 0 && seconds_now() >= end_) return limit_;
  const double common = g_common_limit;
  return common > 0 && cpu_seconds_now() >= g_common_end ? common : 0;
}

}  // namespace pathline
