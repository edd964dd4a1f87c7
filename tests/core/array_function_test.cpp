#include "core/array_function.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "core/every_instruction_set.hpp"

namespace pathline {
namespace {

template <class S> class ArrayFunctions : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(ArrayFunctions, Scalars);

// Of every length, so that the last elements fill a packet or do not; what stands behind the array stays.
template <class S, class F, class Exact> void expect_of_every_length(F in_place, Exact exact) {
  with_every_instruction_set([&] {
    for (Index n = 0; n <= 40; ++n) {
      std::vector<S> x(static_cast<std::size_t>(n) + 1), start;
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = S(0.05) + S(0.3) * static_cast<S>(i);
      start = x;
      in_place(n, x.data());
      for (std::size_t i = 0; i + 1 < x.size(); ++i) {
        const S right = exact(start[i]);
        // packet.hpp states 5 units in the last place at most
        ASSERT_NEAR(x[i], right, 5 * std::numeric_limits<S>::epsilon() * std::abs(right)) << i << " of " << n;
      }
      ASSERT_EQ(x.back(), start.back()) << n;
    }
  });
}

TYPED_TEST(ArrayFunctions, EveryElementIsTheFunctionOfIt) {
  using S = TypeParam;
  expect_of_every_length<S>(exp_in_place<S>, [](S x) { return std::exp(x); });
  expect_of_every_length<S>(log_in_place<S>, [](S x) { return std::log(x); });
  expect_of_every_length<S>([](Index n, S* x) { softplus_in_place<S>(n, x, S(0.01), S(0.5)); },
                            [](S x) { return S(0.01) + std::log1p(std::exp(x + S(0.5))); });
}

// An element of a spline's parameters does not depend on its place among the samples of a tile.
TYPED_TEST(ArrayFunctions, AnElementDoesNotDependOnItsPlace) {
  using S = TypeParam;
  with_every_instruction_set([] {
    for (auto in_place : {exp_in_place<S>, log_in_place<S>})
      for (Index n = 1; n <= 40; ++n) {
        std::vector<S> x(static_cast<std::size_t>(n), S(1.7));
        in_place(n, x.data());
        for (S element : x) ASSERT_EQ(element, x[0]) << n;
      }
  });
}

}  // namespace
}  // namespace pathline
