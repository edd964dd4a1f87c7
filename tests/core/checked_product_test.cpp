#include "core/checked_product.hpp"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace pathline {
namespace {

constexpr Index kMost = std::numeric_limits<Index>::max();

TEST(CheckedProduct, IsTheProductOrNothing) {
  EXPECT_EQ(checked_product({}), 1);
  EXPECT_EQ(checked_product({3, 4, 5}), 60);
  EXPECT_EQ(checked_product({kMost, 1}), kMost);
  EXPECT_EQ(checked_product({kMost, 2}), std::nullopt);
  EXPECT_EQ(checked_product({Index{1} << 32, Index{1} << 32}), std::nullopt);  // wraps to 0
  EXPECT_EQ(checked_product({3, -1}), std::nullopt);
  EXPECT_EQ(checked_product(std::vector<Index>{kMost, kMost, 0}), 0);
}

}  // namespace
}  // namespace pathline
