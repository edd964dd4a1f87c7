#include "pathline/core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include <omp.h>
#include <pthread.h>

#include "core/option_check.hpp"

namespace pathline {
namespace {

std::atomic<bool> forked{false};

// GNU's OpenMP keeps its threads for the next loop. A process that is forked later has none of them and would wait for
// them for ever, so its loops run on one thread, with the same result.
void remember_threads() {
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(nullptr, nullptr, [] { forked = true; }); });
}

}  // namespace

int thread_count(int threads) {
  require(threads >= 0, "threads", threads, ">= 0");
  return threads > 0 ? threads : omp_get_num_procs();
}

void parallel_for(Index n, int threads, const std::function<void(Index, int)>& body) {
  std::exception_ptr first;
  Index first_index = n;
  const int used = forked ? 1 : static_cast<int>(std::min<Index>(thread_count(threads), n));
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
    remember_threads();
#pragma omp parallel for num_threads(used) schedule(dynamic, 1)
    for (Index i = 0; i < n; ++i) guarded(i, omp_get_thread_num());
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace pathline
