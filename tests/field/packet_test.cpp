#pragma GCC diagnostic ignored "-Wignored-attributes"  // of a packet as a template's argument; the alignment is kept
#include "field/packet.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace pathline {
namespace {

template <class S> class Packets : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Packets, Scalars);

// The largest error in units in the last place of the result, over 200,000 points in [low, high], every lane of a
// packet the same way. exact: in long double.
template <class S, class Kernel, class Exact>
double largest_error(double low, double high, Kernel kernel, Exact exact) {
  using P = simd::Packet<S>;
  constexpr Index lanes = simd::kLanes<P>;
  double worst = 0;
  S in[lanes], out[lanes];
  for (Index i = 0; i < 200000; i += lanes) {
    for (Index j = 0; j < lanes; ++j)
      in[j] = static_cast<S>(low + (high - low) * (static_cast<double>(i + j) + 0.37) / 200000);
    simd::store<P>(out, kernel(simd::load<P>(in)));
    for (Index j = 0; j < lanes; ++j) {
      const long double right = exact(static_cast<long double>(in[j]));
      const S next = std::nextafter(std::abs(static_cast<S>(right)), std::numeric_limits<S>::infinity());
      const long double unit = static_cast<long double>(next) - std::abs(static_cast<S>(right));
      worst = std::max(worst, static_cast<double>(std::abs(static_cast<long double>(out[j]) - right) / unit));
    }
  }
  return worst;
}

// What packet.hpp states of each function.
TYPED_TEST(Packets, FunctionsAreAsExactAsStated) {
  using S = TypeParam;
  using P = simd::Packet<S>;
  const bool narrow = std::is_same_v<S, float>;
  const double range = narrow ? 80 : 700;
  const auto error = [&](auto kernel, auto exact, double low, double high) {
    return largest_error<S>(low, high, kernel, exact);
  };
  const auto exp = [](const P& x) { return simd::exp(x); };
  const auto tanh = [](const P& x) { return simd::tanh(x); };
  const auto sigmoid = [](const P& x) { return simd::sigmoid(x); };
  const auto softplus = [](const P& x) { return simd::softplus(x); };
  const auto exact_exp = [](long double x) { return std::exp(x); };
  const auto exact_tanh = [](long double x) { return std::tanh(x); };
  const auto exact_sigmoid = [](long double x) { return 1 / (1 + std::exp(-x)); };
  const auto exact_softplus = [](long double x) { return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x))); };
  const double stated = narrow ? 5 : 3;
  EXPECT_LT(error(exp, exact_exp, -range, range), stated);
  for (double reach : {0.7, 10.0}) EXPECT_LT(error(tanh, exact_tanh, -reach, reach), stated);
  EXPECT_LT(error(sigmoid, exact_sigmoid, -range, 20), stated);
  EXPECT_LT(error(softplus, exact_softplus, -range, 20), stated);
}

TYPED_TEST(Packets, FarAwayTheFunctionsAreTheirLimits) {
  using S = TypeParam;
  using P = simd::Packet<S>;
  const auto at = [](S x, auto f) {
    S out[simd::kLanes<P>];
    simd::store<P>(out, f(simd::set<P>(x)));
    return out[0];
  };
  for (S far : {S(1e3), S(1e30), std::numeric_limits<S>::infinity()}) {
    EXPECT_EQ(at(far, [](const P& x) { return simd::tanh(x); }), 1);
    EXPECT_EQ(at(-far, [](const P& x) { return simd::tanh(x); }), -1);
    EXPECT_EQ(at(far, [](const P& x) { return simd::sigmoid(x); }), 1);
    EXPECT_LT(at(-far, [](const P& x) { return simd::sigmoid(x); }), std::numeric_limits<S>::min() * 4);
    EXPECT_EQ(at(far, [](const P& x) { return simd::softplus(x); }), far);
    EXPECT_LT(at(-far, [](const P& x) { return simd::softplus(x); }), std::numeric_limits<S>::min() * 4);
  }
}

}  // namespace
}  // namespace pathline
