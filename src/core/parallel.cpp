#include "pathline/core/parallel.hpp"

#include <algorithm>
#include <exception>

#include <omp.h>

#include "core/option_check.hpp"

namespace pathline {

int thread_count(int threads) {
  require(threads >= 0, "threads", threads, ">= 0");
  return threads > 0 ? threads : omp_get_num_procs();
}

void parallel_for(Index n, int threads, const std::function<void(Index, int)>& body) {
  std::exception_ptr first;
  Index first_index = n;
  const int used = static_cast<int>(std::min<Index>(thread_count(threads), n));
  auto guarded = [&](Index i, int worker) {
    try {
      body(i, worker);
    } catch (...) {
#pragma omp critical(pathline_parallel_for)
      if (i < first_index) {
        first_index = i;
        first = std::current_exception();
      }
    }
  };
  if (used <= 1) {
    for (Index i = 0; i < n; ++i) guarded(i, 0);
  } else {
#pragma omp parallel for num_threads(used) schedule(dynamic, 1)
    for (Index i = 0; i < n; ++i) guarded(i, omp_get_thread_num());
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace pathline
