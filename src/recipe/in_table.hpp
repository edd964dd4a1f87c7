// The library's errors name its own fields; the recipe says in which of its tables they are.
#pragma once

#include <string>

#include "pathline/core/error.hpp"

namespace pathline {

// "rtol = -1: must be > 0" with the table "solver" gives "solver.rtol = -1: must be > 0". A message that does not begin
// with a key of the table is left alone.
std::string named_in_table(const std::string& table, const std::string& message);

// f(), whose InputError is named so.
template <class F> auto in_table(const std::string& table, F f) {
  try {
    return f();
  } catch (const InputError& error) {
    throw InputError(named_in_table(table, error.what()));
  }
}

}  // namespace pathline
