/// \file
/// Parallel loops. OpenMP is used in this module only.
#pragma once

#include <functional>

#include "pathline/core/types.hpp"

namespace pathline {

/// Returns `threads`, or the number of cores for 0. Throws InputError for a negative number.
[[nodiscard]] int thread_count(int threads);

/// Calls body(i, worker) once for each i = 0 ... n-1, in any order, on at most thread_count(threads) threads, of which
/// the calling one is the first. worker, in [0, thread_count(threads)), identifies the scratch space that the call may
/// use. After all calls have finished, the exception with the smallest index is rethrown. Several threads of the
/// program may be in a parallel_for at once. The settings of OpenMP that the program sees are neither used nor changed.
/// In a process that was forked after such a loop had run on several threads, all loops run on one.
void parallel_for(Index n, int threads, const std::function<void(Index i, int worker)>& body);

}  // namespace pathline
