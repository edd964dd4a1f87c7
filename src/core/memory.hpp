// What is said if there is not enough memory.
#pragma once

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// The bytes that this process may use at most: the memory of the machine, or less where a control group or `ulimit`
// sets a limit. An allocation above it may seem to succeed: the system then ends the process when it is written to.
double memory_limit();

// InputError "batch = 1000000000: needs about 48 GB of memory, and there are 23 GB; choose a smaller number" where
// `bytes` are more than there are. Call it before the memory is allocated.
void require_memory(std::string_view name, Index value, double bytes);

// The same for the weights of a network with an input, hidden layers and an output of these widths while it is trained.
void require_memory_of_network(std::string_view name, Index in, const std::vector<Index>& hidden, Index out);

// The bytes that the training of `weights` numbers takes: weights, gradient, two moments of Adam and their average.
inline double training_bytes(double weights) { return 5 * 8 * weights; }

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
