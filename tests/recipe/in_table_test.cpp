#include "recipe/in_table.hpp"

#include <gtest/gtest.h>

#include "message.hpp"

namespace pathline {
namespace {

TEST(InTable, AMessageThatBeginsWithAFieldNamesItsKey) {
  EXPECT_EQ(named_in_table("solver", "rtol = -1: must be > 0"), "solver.rtol = -1: must be > 0");
  EXPECT_EQ(named_in_table("solver", "stepper 'euler' has none"), "solver.stepper 'euler' has none");
  EXPECT_EQ(named_in_table("data", "condition: a.csv has no column 'x'"), "data.condition: a.csv has no column 'x'");
  EXPECT_EQ(named_in_table("solver", "batch = 0"), "batch = 0");              // of another table
  EXPECT_EQ(named_in_table("solver", "rtolerance = 0"), "rtolerance = 0");    // only begins as a key
  EXPECT_EQ(named_in_table("solver", ""), "");
  EXPECT_EQ(message([] { in_table("trace", [] { throw InputError("probes = 0"); }); }), "trace.probes = 0");
}

TEST(InTable, AFieldInAdviceIsCalledByItsKey) {
  EXPECT_EQ(with_keys("pass SourceOptions.weights = w, or SourceOptions.columns"),
            "pass data.weights = w, or data.columns");
  EXPECT_EQ(with_keys("(TrainingDataOptions.discrete, TrainingDataOptions.dequantize)"),
            "(data.discrete, data.dequantize)");
  EXPECT_EQ(with_keys("a smaller SolverOptions.rtol"), "a smaller solver.rtol");
  for (const char* none : {"SourceOptions.nothing", "SourceOptions.", "MySolverOptions", "TrainerOptions.resume", ""})
    EXPECT_EQ(with_keys(none), none);
}

}  // namespace
}  // namespace pathline
