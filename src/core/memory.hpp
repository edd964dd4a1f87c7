// Memory that cannot be had.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

namespace pathline {

// f(). If there is not enough memory for it, std::runtime_error "out of memory: WHAT". what: what was too large, and what
// to change.
template <class F> auto with_memory(const std::string& what, F f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {  // more than an array can have at all
  }
  throw std::runtime_error("out of memory: " + what);
}

}  // namespace pathline
