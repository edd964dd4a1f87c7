#include "pathline/trace/trace.hpp"

#include <gtest/gtest.h>

#include "message.hpp"
#include "pathline/checkpoint/density.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/objective/nll_gradient.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

const std::string kProbes = "probes = 4: applies only to Hutchinson's trace; the exact trace has none";
const std::string kNoise = "noise = gaussian: applies only to Hutchinson's trace; the exact trace has no probes";

TEST(TraceOptions, ProbesOfTheExactTraceAreRefused) {
  EXPECT_EQ(message([] { TraceOptions{}.check(); }), "no error");
  EXPECT_EQ(message([] { TraceOptions{.probes = 4}.check(); }), kProbes);
  EXPECT_EQ(message([] { TraceOptions{.noise = ProbeNoise::gaussian}.check(); }), kNoise);
  EXPECT_EQ(
      message([] { TraceOptions{.kind = TraceKind::hutchinson, .noise = ProbeNoise::gaussian, .probes = 4}.check(); }),
      "no error");
  EXPECT_EQ(message([] { TraceOptions{.kind = TraceKind::hutchinson, .probes = 0}.check(); }),
            "probes = 0: must be >= 1");
}

// They were accepted everywhere, and had no effect.
TEST(TraceOptions, AreCheckedWhereverTheyAreTaken) {
  const Flow<double> flow(Cnf<double>(std::make_shared<Mlp<double>>(MlpOptions{.hidden = {4}})));
  const Matrix<double> x = Matrix<double>::Random(2, 3), none(0, 0);
  const TraceOptions trace{.probes = 4};
  EXPECT_EQ(message([&] { (void)flow.log_prob(x, none, {.trace = trace}); }), kProbes);
  EXPECT_EQ(message([&] { (void)flow.score(x, none, {.trace = trace}); }), kProbes);
  EXPECT_EQ(message([&] { (void)flow.sample(3, 0, {.trace = trace}); }), kProbes);
  EXPECT_EQ(message([&] { (void)flow.transform(x, 0, 1, none, {.trace = trace}); }), kProbes);
  EXPECT_EQ(message([&] { (void)nll_gradient(flow, x, none, {.trace = trace}); }), kProbes);
  EXPECT_EQ(message([&] { const Density density(source_dir() + "/models/moons.h5", {.trace = trace}); }), kProbes);
}

}  // namespace
}  // namespace pathline
