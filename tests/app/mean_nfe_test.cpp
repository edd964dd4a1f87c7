#include "app/mean_nfe.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pathline {
namespace {

// The parts follow the clock: the nfe of a file once differed where the machine was busy.
TEST(MeanNfe, DoesNotDependOnTheParts) {
  const Index tile = 16, points = 1000;
  const std::vector<int> evaluations = [] {
    std::vector<int> out;
    for (int t = 0; t < 63; ++t) out.push_back(40 + t % 7);
    return out;
  }();
  const auto mean = [&](Index part) {
    MeanNfe out;
    for (Index first = 0; first < points; first += part) {
      const Index n = std::min(part, points - first), tiles = Tiles{n, tile}.count();
      double sum = 0;
      for (Index t = 0; t < tiles; ++t) sum += evaluations[static_cast<std::size_t>(first / tile + t)];
      out.add(sum / static_cast<double>(tiles), n, tile);
    }
    return out.value();
  };
  for (const Index part : {16, 48, 320, 992}) EXPECT_EQ(mean(part), mean(1000)) << part;
  EXPECT_EQ(MeanNfe().value(), 0);
}

}  // namespace
}  // namespace pathline
