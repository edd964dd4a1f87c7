// The library's errors name its own fields; the recipe names the keys that stand for them.
#pragma once

#include <string>

#include "pathline/core/error.hpp"

namespace pathline {

// "pass SourceOptions.weights = w" gives "pass data.weights = w": each field of a struct that a key of the recipe sets
// is called by the key.
std::string with_keys(std::string message);

// with_keys, and a message that begins with a field that is a key of the table gets the name of the key: "rtol = -1:
// must be > 0" with the table "solver" gives "solver.rtol = -1: must be > 0".
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
