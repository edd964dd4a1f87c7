// PATHLINE_REPLACES_MALLOC: whether a test may replace malloc, which a sanitizer does itself.
#pragma once

#include <cstdlib>

#if defined(__has_feature)  // Clang
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PATHLINE_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // GCC
#define PATHLINE_SANITIZED
#endif
#if defined(__GLIBC__) && !defined(PATHLINE_SANITIZED)
#define PATHLINE_REPLACES_MALLOC
#endif
