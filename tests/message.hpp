// What an error says.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"

namespace pathline {

// The message of the E that f throws, which has to be one line; "no error" if it throws none.
template <class E = InputError, class F> std::string message(F f) {
  try {
    f();
  } catch (const E& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
  return "no error";
}

}  // namespace pathline
