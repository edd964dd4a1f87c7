#include "pathline/core/error.hpp"

#include <gtest/gtest.h>

namespace pathline {
namespace {

// A name in a file may hold a line end, or what a terminal obeys; the NPY reader once quoted one as it was.
template <class E> void expect_one_line() {
  EXPECT_STREQ(E("t.npy: column a\nb\x1b[2J\xff: must be finite").what(),
               R"(t.npy: column a\nb\x1b[2J\xff: must be finite)");
  EXPECT_STREQ(E("µ = 3: must be > 0").what(), "µ = 3: must be > 0");
}

TEST(Errors, AreOneLineThatATerminalOnlyShows) {
  expect_one_line<InputError>();
  expect_one_line<NumericalError>();
  expect_one_line<TimeLimitReached>();
  expect_one_line<Interrupted>();
}

}  // namespace
}  // namespace pathline
