#include "core/memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/size_text.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

TEST(Memory, WhatIsTooLargeIsNamedWithTheNumber) {
  EXPECT_THAT([] { require_memory("batch", 12, 2 * memory_limit()); },
              ThrowsMessage<InputError>(AllOf(StartsWith("batch = 12: needs about "), HasSubstr("smaller"))));
  EXPECT_NO_THROW(require_memory("batch", 12, memory_limit() / 2));
}

// The product of two widths overflowed an integer, or was allocated until the system ended the process.
TEST(Memory, WidthsWhoseWeightsDoNotFitAreRefused) {
  const Index most = std::numeric_limits<Index>::max();
  for (const auto& hidden : std::vector<std::vector<Index>>{{most}, {most, most}, {10'000'000, 10'000'000}})
    EXPECT_THAT([&] { require_memory_of_network("hidden", 2, hidden, 2); },
                ThrowsMessage<InputError>(StartsWith("hidden = ")));
  EXPECT_NO_THROW(require_memory_of_network("hidden", 2, {64, 64, 64}, 2));
}

TEST(Memory, SizesAreReadable) {
  EXPECT_EQ(size_text(12), "12 bytes");
  EXPECT_EQ(size_text(1200), "1.2 kB");
  EXPECT_EQ(size_text(48e9), "48 GB");
  EXPECT_EQ(size_text(16e18), "16000 PB");
}

}  // namespace
}  // namespace pathline
