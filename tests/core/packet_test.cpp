#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#define HWY_TARGET_INCLUDE "core/packet_test.cpp"
#include "core/packet.hpp"

#ifndef PATHLINE_PACKET_TEST
#define PATHLINE_PACKET_TEST
namespace pathline {
namespace {
enum class Function { exp, log, log1p, tanh, sigmoid, softplus };
}  // namespace
}  // namespace pathline
#endif

HWY_BEFORE_NAMESPACE();
namespace pathline {
namespace HWY_NAMESPACE {
namespace {

template <class P> P apply(Function f, const P& x) {
  switch (f) {
    case Function::exp:
      return simd::exp(x);
    case Function::log:
      return simd::log(x);
    case Function::log1p:
      return simd::log1p(x);
    case Function::tanh:
      return simd::tanh(x);
    case Function::sigmoid:
      return simd::sigmoid(x);
    case Function::softplus:
      return simd::softplus(x);
  }
  return x;
}

// n: a multiple of the lanes.
template <class S> void apply_array(Function f, Index n, const S* in, S* out) {
  using P = simd::Packet<S>;
  for (Index i = 0; i < n; i += simd::kLanes<P>) simd::store<P>(out + i, apply(f, simd::load<P>(in + i)));
}

// Returns the number of lanes, and their sum.
template <class S> Index lanes_and_sum(const S* in, S* sum) {
  using P = simd::Packet<S>;
  *sum = simd::sum(simd::load<P>(in));
  return simd::kLanes<P>;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pathline
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "core/every_instruction_set.hpp"

namespace pathline {
namespace {

template <class S> class Packets : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Packets, Scalars);

// Expects that f of 200,000 points in [low, high] is within `stated` units in the last place of `exact`, which computes
// in long double, with every instruction set.
template <class S, class Exact> void expect_exact(Function f, double low, double high, double stated, Exact exact) {
  constexpr std::size_t kPoints = 200000;  // a multiple of 16 lanes
  std::vector<S> in(kPoints), out(kPoints), unit(kPoints);
  std::vector<long double> right(kPoints);
  for (std::size_t i = 0; i < kPoints; ++i) {
    in[i] = static_cast<S>(low + (high - low) * (static_cast<double>(i) + 0.37) / kPoints);
    right[i] = exact(static_cast<long double>(in[i]));
    const S rounded = std::abs(static_cast<S>(right[i]));
    unit[i] = std::nextafter(rounded, std::numeric_limits<S>::infinity()) - rounded;
  }
  with_every_instruction_set([&] {
    PATHLINE_KERNEL(apply_array<S>)(f, kPoints, in.data(), out.data());
    long double worst = 0;
    for (std::size_t i = 0; i < kPoints; ++i) {
      const long double error = std::abs(static_cast<long double>(out[i]) - right[i]) / unit[i];
      if (!(error <= worst)) worst = error;
    }
    EXPECT_LT(worst, stated) << "function " << static_cast<int>(f) << " in [" << low << ", " << high << "]";
  });
}

// What packet.hpp states of each function.
TYPED_TEST(Packets, FunctionsAreAsExactAsStatedSlow) {
  using S = TypeParam;
  const bool narrow = std::is_same_v<S, float>;
  const double range = narrow ? 80 : 700, stated = narrow ? 5 : 3;
  const auto exp = [](long double x) { return std::exp(x); };
  const auto log = [](long double x) { return std::log(x); };
  const auto log1p = [](long double x) { return std::log1p(x); };
  const auto tanh = [](long double x) { return std::tanh(x); };
  const auto sigmoid = [](long double x) { return 1 / (1 + std::exp(-x)); };
  const auto softplus = [](long double x) { return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x))); };
  expect_exact<S>(Function::exp, -range, range, stated, exp);
  for (double reach : {0.7, 10.0}) expect_exact<S>(Function::tanh, -reach, reach, stated, tanh);
  expect_exact<S>(Function::sigmoid, -range, 20, stated, sigmoid);
  expect_exact<S>(Function::softplus, -range, 20, stated, softplus);
  for (double high : {2.0, 1e3, 1e30}) expect_exact<S>(Function::log, 0, high, stated, log);
  expect_exact<S>(Function::log1p, 0, 1, stated, log1p);
}

// f at x in every lane, of which the first is returned.
template <class S> S at(Function f, S x) {
  std::vector<S> in(16, x), out(16);
  PATHLINE_KERNEL(apply_array<S>)(f, 16, in.data(), out.data());
  for (S lane : out) EXPECT_TRUE(lane == out[0] || (std::isnan(lane) && std::isnan(out[0])));
  return out[0];
}

TYPED_TEST(Packets, FarAwayTheFunctionsAreTheirLimits) {
  using S = TypeParam;
  constexpr S least = std::numeric_limits<S>::min(), infinity = std::numeric_limits<S>::infinity();
  with_every_instruction_set([&] {
    for (S far : {S(1e3), S(1e30), infinity}) {
      EXPECT_EQ(at(Function::tanh, far), 1);
      EXPECT_EQ(at(Function::tanh, -far), -1);
      EXPECT_EQ(at(Function::sigmoid, far), 1);
      EXPECT_LT(at(Function::sigmoid, -far), least * 4);
      EXPECT_EQ(at(Function::softplus, far), far);
      EXPECT_LT(at(Function::softplus, -far), least * 4);
      EXPECT_LT(at(Function::exp, -far), least * 4);
    }
    EXPECT_EQ(at(Function::exp, infinity), infinity);
    EXPECT_EQ(at(Function::exp, S(0)), 1);
    EXPECT_EQ(at(Function::log, infinity), infinity);
    EXPECT_EQ(at(Function::log, S(0)), -infinity);
    EXPECT_EQ(at(Function::log, S(1)), 0);
    EXPECT_TRUE(std::isnan(at(Function::log, S(-1))));
  });
}

TYPED_TEST(Packets, NanStaysNan) {
  using S = TypeParam;
  with_every_instruction_set([&] {
    for (auto f :
         {Function::exp, Function::log, Function::log1p, Function::tanh, Function::sigmoid, Function::softplus})
      EXPECT_TRUE(std::isnan(at(f, std::numeric_limits<S>::quiet_NaN()))) << static_cast<int>(f);
  });
}

// Each set has packets of its own width, so that the right kernels run.
TYPED_TEST(Packets, AreAsWideAsTheInstructionSet) {
  using S = TypeParam;
  std::vector<S> in(16);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = S(1) + static_cast<S>(i);
  with_every_instruction_set([&] {
    const auto set = instruction_set();
    const std::size_t bytes = set == InstructionSet::avx512 ? 64 : set == InstructionSet::avx2 ? 32 : 16;
    S sum = 0;
    const Index lanes = PATHLINE_KERNEL(lanes_and_sum<S>)(in.data(), &sum);
    EXPECT_EQ(lanes, to_string(set) == "scalar" ? 1 : static_cast<Index>(bytes / sizeof(S)));
    EXPECT_EQ(sum, static_cast<S>(lanes * (lanes + 1)) / 2);
  });
}

}  // namespace
}  // namespace pathline
#endif  // HWY_ONCE
