#include "pathline/core/importance_weights.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "pathline/core/random.hpp"

namespace pathline {
namespace {

// Weights u^-k with u uniform have Pareto's tail of shape k and the mean 1 / (1 - k).
RowVector<double> pareto_log_weights(Engine& engine, Index n, double k) {
  RowVector<double> out(n);
  for (double& v : out) v = -k * std::log(uniform(engine, 1e-300, 1));
  return out;
}

TEST(GeneralizedPareto, TheFitFindsTheShapeAndTheScale) {
  for (double k : {-0.3, 0.1, 0.5, 0.9}) {
    Engine engine = make_stream(3, "generalized_pareto_test");
    RowVector<double> x(20000);
    for (double& v : x) v = 2 * std::expm1(-k * std::log(uniform(engine, 1e-300, 1))) / k;
    std::sort(x.begin(), x.end());
    const auto fit = fit_generalized_pareto(x);
    // Four standard errors of maximum likelihood: (1 + k) / sqrt(n), and sigma sqrt(2 (1 + k) / n).
    EXPECT_NEAR(fit.shape, k, 4 * (1 + k) / std::sqrt(20000));
    EXPECT_NEAR(fit.scale, 2, 4 * 2 * std::sqrt(2 * (1 + k) / 20000));
  }
}

// In how many of all repeats an error is stated and the truth lies beyond twice of it: 5 % of a normal estimate. By the
// weights' own spread alone (`plain`) it was 15 % at k = 0.6 and 28 % at k = 0.7.
struct Coverage {
  double beyond = 0, beyond_plain = 0, heavy = 0, shape = 0;
};

template <class Draw> Coverage coverage(Draw draw, double truth, Index n, int repeats) {
  Coverage out;
  for (int r = 0; r < repeats; ++r) {
    Engine engine = make_stream(5, "importance_weights_test", static_cast<std::uint64_t>(r));
    const ImportanceWeights w(draw(engine, n));
    const double off = std::abs(w.log_mean - truth);
    out.shape += w.shape / repeats, out.heavy += w.heavy() / static_cast<double>(repeats);
    out.beyond_plain += (off > 2 * w.spread) / static_cast<double>(repeats);
    if (std::isnan(w.log_error)) continue;
    out.beyond += (off > 2 * w.log_error) / static_cast<double>(repeats);
  }
  return out;
}

TEST(ImportanceWeights, TwoStandardErrorsHoldTheTruthAsOftenAsTheySaySlow) {
  constexpr int kRepeats = 400;
  std::printf("%-14s %6s %8s %8s %8s %8s\n", "weights", "n", "k-hat", "heavy", "beyond", "plain");
  const auto check = [&](const char* name, auto draw, double truth) {
    for (Index n : {1000, 10000}) {
      const auto c = coverage(draw, truth, n, kRepeats);
      std::printf("%-14s %6ld %8.2f %7.1f%% %7.1f%% %7.1f%%\n", name, static_cast<long>(n), c.shape, 100 * c.heavy,
                  100 * c.beyond, 100 * c.beyond_plain);
      // 5 %, and three standard errors of a share of 5 % over the repeats.
      EXPECT_LE(c.beyond, 0.05 + 3 * std::sqrt(0.05 * 0.95 / kRepeats)) << name << ' ' << n;
    }
  };
  for (double k : {0.2, 0.4, 0.5, 0.6, 0.7, 0.9})
    check(("Pareto " + std::to_string(k).substr(0, 3)).c_str(),
          [k](Engine& e, Index n) { return pareto_log_weights(e, n, k); }, -std::log(1 - k));
  // N(0, 1) by draws of N(0, s^2): Pareto's shape is 1 - s^2 up to logarithms.
  for (double s : {0.9, 0.75, 0.65, 0.5})
    check(("narrow " + std::to_string(s).substr(0, 4)).c_str(),
          [s](Engine& e, Index n) {
            RowVector<double> out(n);
            for (double& v : out) {
              const double z = normal(e);
              v = -z * z * s * s / 2 + z * z / 2 + std::log(s);
            }
            return out;
          },
          0.0);
  check(
      "lognormal",
      [](Engine& e, Index n) {
        RowVector<double> out(n);
        for (double& v : out) v = normal(e) - 0.5;
        return out;
      },
      0.0);
}

TEST(ImportanceWeights, AHeavyTailHasNoError) {
  Engine engine = make_stream(1, "importance_weights_test");
  const ImportanceWeights heavy(pareto_log_weights(engine, 20000, 1.1));
  EXPECT_NEAR(heavy.shape, 1.1, 0.3);  // four times (1 + k) / sqrt(425), the size of the tail
  EXPECT_TRUE(heavy.heavy());
  EXPECT_TRUE(std::isnan(heavy.log_error));
  const ImportanceWeights light(pareto_log_weights(engine, 20000, 0.2));
  EXPECT_FALSE(light.heavy());
  EXPECT_TRUE(std::isfinite(light.log_error));
}

TEST(ImportanceWeights, EqualWeightsAreExact) {
  const ImportanceWeights w(RowVector<double>::Constant(1000, -3.5));
  EXPECT_NEAR(w.log_mean, -3.5, 1e-12);
  EXPECT_NEAR(w.ess, 1, 1e-12);
  EXPECT_NEAR(w.log_error, 0, 1e-7);  // the square root of the rounding of 1 / ess
  EXPECT_FALSE(w.heavy());
}

TEST(ImportanceWeights, OfWeightsThatAreNotNumbersNothingIsKnown) {
  RowVector<double> log_weight = RowVector<double>::Zero(100);
  log_weight[7] = std::nan("");
  const ImportanceWeights w(log_weight);
  EXPECT_FALSE(std::isfinite(w.log_mean) && std::isfinite(w.log_error));
  EXPECT_TRUE(std::isnan(ImportanceWeights(RowVector<double>::Zero(1)).log_error));
}

}  // namespace
}  // namespace pathline
