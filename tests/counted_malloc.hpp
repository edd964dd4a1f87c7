// Counts malloc, which Eigen and operator new both end in. A program may include this once; a sanitizer replaces malloc
// itself.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <cstdlib>

namespace {

// Of the calling thread: the calls, and the bytes that are held, now and at most.
struct Counted {
  long calls = 0, bytes = 0, most = 0;
};
thread_local Counted t_counted;

void* counted(void* p) {
  auto& c = t_counted;
  ++c.calls, c.bytes += static_cast<long>(malloc_usable_size(p)), c.most = std::max(c.most, c.bytes);
  return p;
}

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
void* malloc(std::size_t n) { return counted(__libc_malloc(n)); }
void* aligned_alloc(std::size_t alignment, std::size_t n) { return counted(__libc_memalign(alignment, n)); }
void free(void* p) {
  if (p) t_counted.bytes -= static_cast<long>(malloc_usable_size(p));
  __libc_free(p);
}
}
