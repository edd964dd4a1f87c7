#include "pathline/checkpoint/ffjord.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/io/hdf5.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

// FFJORD's own numbers, in float64 at tolerance 1e-10.
const std::string kFixture = fixtures_dir() + "/ffjord_8gaussians.h5";
const EvaluationOptions kFine{.solver = {.rtol = 1e-10, .atol = 1e-10}};

TEST(Ffjord, LogDensityAndBaseAgreeWithTheFixture) {
  const auto flow = read_ffjord<double>(kFixture);
  const auto file = Hdf5File::open(kFixture);
  const auto x = file.read_matrix<double>("points"), base = file.read_matrix<double>("base");
  const auto expected = file.read_vector<double>("log_density");
  const auto got = flow.log_prob(x, Matrix<double>(0, 0), kFine);
  EXPECT_LT((got.log_prob.transpose() - expected).cwiseAbs().maxCoeff(), 1e-7);
  EXPECT_LT((got.latent - base).cwiseAbs().maxCoeff(), 1e-7);
}

// Two blocks of 3-5-3 with moving batch norm before, between and after, by FFJORD's classes
// (fixtures/reference_chain.py).
TEST(Ffjord, AChainWithBatchNormAgreesWithFfjordsOwnClasses) {
  const std::string fixture = fixtures_dir() + "/ffjord_chain.h5";
  const auto flow = read_ffjord<double>(fixture);
  EXPECT_EQ(flow.blocks().size(), 2u);
  EXPECT_EQ(flow.norms().size(), 3u);
  const auto file = Hdf5File::open(fixture);
  const auto got = flow.log_prob(file.read_matrix<double>("points"), Matrix<double>(0, 0), kFine);
  EXPECT_LT((got.log_prob.transpose() - file.read_vector<double>("log_density")).cwiseAbs().maxCoeff(), 1e-7);
  EXPECT_LT((got.latent - file.read_matrix<double>("base")).cwiseAbs().maxCoeff(), 1e-7);
  const auto there = flow.push(got.latent, kFine);
  EXPECT_LT((there.points - file.read_matrix<double>("points")).cwiseAbs().maxCoeff(), 1e-7);
}

TEST(Ffjord, EveryAdaptiveStepperAgreesWithTheFixture) {
  const auto flow = read_ffjord<double>(kFixture);
  const auto file = Hdf5File::open(kFixture);
  const Matrix<double> x = file.read_matrix<double>("points").leftCols(40);
  const Vector<double> expected = file.read_vector<double>("log_density").head(40);
  for (auto kind : {StepperKind::cash_karp, StepperKind::fehlberg78, StepperKind::bulirsch_stoer}) {
    auto options = kFine;
    options.solver.stepper = kind;
    const auto got = flow.log_prob(x, Matrix<double>(0, 0), options);
    EXPECT_LT((got.log_prob.transpose() - expected).cwiseAbs().maxCoeff(), 1e-7) << to_string(kind);
  }
}

TEST(Ffjord, SamplesAgreeWithTheFixture) {
  const auto flow = read_ffjord<double>(kFixture);
  const auto file = Hdf5File::open(kFixture);
  const auto sample = file.group("sample");
  const auto got = flow.push(sample.read_matrix<double>("base"), kFine);
  EXPECT_LT((got.points - sample.read_matrix<double>("points")).cwiseAbs().maxCoeff(), 1e-7);
  // The fixture's sample/log_density is log N(base) - (the change of log-density) where it should be +: reflect it. The
  // forward direction, which the 512 points confirm, gives the same as push does.
  const auto base = standard_normal_log_density<double>(sample.read_matrix<double>("base"));
  const RowVector<double> reflected = 2 * base - sample.read_vector<double>("log_density").transpose();
  EXPECT_LT((got.log_prob - reflected).cwiseAbs().maxCoeff(), 1e-7);
  const auto back = flow.log_prob(sample.read_matrix<double>("points"), Matrix<double>(0, 0), kFine);
  EXPECT_LT((got.log_prob - back.log_prob).cwiseAbs().maxCoeff(), 1e-7);
}

TEST(Ffjord, FloatAgreesWithinItsPrecision) {
  const auto flow = read_ffjord<float>(kFixture);
  const auto file = Hdf5File::open(kFixture);
  const auto got = flow.log_prob(file.read_matrix<double>("points"), Matrix<double>(0, 0),
                                 {.solver = {.rtol = 1e-5, .atol = 1e-5}});
  // Tolerance 1e-5 a step over some ten steps, through a log-density whose slope is about 10.
  EXPECT_LT((got.log_prob.transpose() - file.read_vector<double>("log_density")).cwiseAbs().maxCoeff(), 5e-3);
}

TEST(Ffjord, ThereAndBackIsWithinTolerance) {
  const auto flow = read_ffjord<double>(kFixture);
  for (double tolerance : {1e-5, 1e-8}) {
    const EvaluationOptions options{.solver = {.rtol = tolerance, .atol = tolerance}};
    const auto drawn = flow.sample(200, 3, options);
    const auto back = flow.log_prob(drawn.points, Matrix<double>(0, 0), options);
    EXPECT_LT((back.latent - flow.draw_base(200, 3)).cwiseAbs().maxCoeff(), tolerance);
    // log p: the errors of the steps add up, and where two modes part a shift of z by the tolerance is worth a score of 40.
    const RowVector<double> off = (back.log_prob - drawn.log_prob).cwiseAbs();
    EXPECT_LT(off.mean(), 2 * tolerance);
    EXPECT_LT(off.maxCoeff(), 100 * tolerance);
  }
}

TEST(Ffjord, ExactDensityIntegratesToOneSlow) {
  const auto flow = read_ffjord<double>(kFixture);
  const Index n = 120;
  const double low = -6, h = 12.0 / static_cast<double>(n);
  Matrix<double> grid(2, n * n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      grid.col(i * n + j) << low + (static_cast<double>(i) + 0.5) * h, low + (static_cast<double>(j) + 0.5) * h;
  const auto p = flow.log_prob(grid, Matrix<double>(0, 0), {.solver = {.rtol = 1e-6, .atol = 1e-6}});
  EXPECT_NEAR(p.log_prob.array().exp().sum() * h * h, 1, 2e-4);  // the midpoint rule over modes of width 0.35
}

TEST(Ffjord, HutchinsonsMeanIsTheExactDensityWithinItsStandardError) {
  const auto flow = read_ffjord<double>(kFixture);
  const auto file = Hdf5File::open(kFixture);
  const Matrix<double> x = file.read_matrix<double>("points").leftCols(1).replicate(1, 640);
  const double exact = file.read_vector<double>("log_density")[0];
  for (auto noise : {ProbeNoise::rademacher, ProbeNoise::gaussian}) {
    EvaluationOptions options{.solver = {.rtol = 1e-7, .atol = 1e-7}};
    options.trace = {.kind = TraceKind::hutchinson, .noise = noise, .probes = 2};
    const auto p = flow.log_prob(x, Matrix<double>(0, 0), options).log_prob;
    const double mean = p.mean(), sd = std::sqrt((p.array() - mean).square().sum() / 639);
    EXPECT_GT(sd, 0.01);
    EXPECT_LT(std::abs(mean - exact), 4 * sd / std::sqrt(640.0));
  }
}

TEST(Ffjord, AnyNumberOfThreadsGivesTheSameBits) {
  const auto flow = read_ffjord<float>(kFixture);
  const auto x = Hdf5File::open(kFixture).read_matrix<double>("points");
  const auto one = flow.log_prob(x).log_prob;
  const auto three = flow.log_prob(x, Matrix<double>(0, 0), {.threads = 3}).log_prob;
  EXPECT_EQ(one, three);
}

TEST(Ffjord, WrongInputIsRefused) {
  const auto flow = read_ffjord<float>(kFixture);
  EXPECT_THROW((void)flow.log_prob(Matrix<double>::Zero(3, 4), Matrix<double>(0, 0)), InputError);
  EXPECT_THROW(read_ffjord<float>("no such file.h5"), InputError);
  Matrix<double> nan = Matrix<double>::Zero(2, 4);
  nan(1, 2) = std::nan("");
  EXPECT_THROW((void)flow.log_prob(nan, Matrix<double>(0, 0)), InputError);
  EXPECT_EQ(flow.log_prob(Matrix<double>(2, 0), Matrix<double>(0, 0)).log_prob.size(), 0);
}

}  // namespace
}  // namespace pathline
