/// \file
/// Parallel loops. OpenMP is used in this module only.
#pragma once

#include <functional>

#include "pathline/core/types.hpp"

namespace pathline {

/// The number of threads that parallel_for uses; 0 means one per core. No result depends on it.
void set_thread_count(int threads);
int thread_count();

/// Calls body(i, worker) once for each i = 0 ... n-1, in any order. worker, in [0, thread_count()), identifies the
/// scratch space that the call may use. After all calls have finished, the exception with the smallest index is
/// rethrown.
void parallel_for(Index n, const std::function<void(Index i, int worker)>& body);

}  // namespace pathline
