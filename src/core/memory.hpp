// What is said if there is not enough memory.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

namespace pathline {

// Returns f(). Throws std::runtime_error "out of memory: WHAT" if the memory does not suffice. what: what was too large,
// and what to change.
template <class F> auto with_memory(const std::string& what, F f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {  // more elements than any array can have
  }
  throw std::runtime_error("out of memory: " + what);
}

}  // namespace pathline
