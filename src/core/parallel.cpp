#include "pathline/core/parallel.hpp"

#include <algorithm>
#include <exception>

#include <omp.h>

namespace pathline {
namespace {
int g_threads = 0;
}

void set_thread_count(int threads) { g_threads = std::max(0, threads); }

int thread_count() { return g_threads > 0 ? g_threads : omp_get_num_procs(); }

void parallel_for(Index n, const std::function<void(Index, int)>& body) {
  std::exception_ptr first;
  Index first_index = n;
  const int threads = static_cast<int>(std::min<Index>(thread_count(), n));
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
  if (threads <= 1) {
    for (Index i = 0; i < n; ++i) guarded(i, 0);
  } else {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (Index i = 0; i < n; ++i) guarded(i, omp_get_thread_num());
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace pathline
