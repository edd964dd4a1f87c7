// The one place that knows OpenMP.
#pragma once

#include <functional>

#include "pathline/core/types.hpp"

namespace pathline {

// Threads that parallel_for uses; 0 means one a core. Results never depend on it.
void set_thread_count(int threads);
int thread_count();

// Calls body(i, worker) for i = 0 ... n-1, each once, in any order; worker in [0, thread_count()) names
// the scratch space to use. The first exception (by index) is rethrown after all have finished.
void parallel_for(Index n, const std::function<void(Index i, int worker)>& body);

}  // namespace pathline
