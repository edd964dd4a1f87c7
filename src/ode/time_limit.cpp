#include "pathline/ode/time_limit.hpp"

#include <atomic>
#include <cmath>

#include "core/option_check.hpp"

namespace pathline {
namespace {

std::atomic<double> g_limit{0};

}  // namespace

void limit_solve_time(double seconds) {
  require(seconds >= 0 && std::isfinite(seconds), "timeout", seconds, ">= 0 (0: no limit)");
  g_limit = seconds;
}

double solve_time_limit() { return g_limit; }

}  // namespace pathline
