// `pathline distill` as a user runs it.
#include <gmock/gmock.h>

#include "paths.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kDistilled = source_dir() + "/models/8gaussians_small.h5";

class DistillCommand : public ScriptedProgram {};

TEST_F(DistillCommand, MakesAModelThatTheOtherCommandsTakeSlow) {
  const auto made = run({"distill", kDistilled, "-o", file("fast.h5"), "--iterations", "60", "--pairs", "2000",
                         "--layers", "4", "--hidden", "16", "--bins", "5", "--steps", "6", "--quiet"});
  ASSERT_EQ(made.code, 0) << made.err;
  for (const auto* part : {"4 spline couplings on [-", "60 iterations on 2000 pairs", "energy distance",
                           "|log q - log p|", "ESS", "weighted by p / q", "weighted by q / p", "densities/s"})
    EXPECT_THAT(made.out, HasSubstr(part));
  EXPECT_THAT(made.err, HasSubstr("warning: the effective sample size is"));  // 60 iterations are far too few

  const auto info = run({"info", file("fast.h5")});
  EXPECT_THAT(info.out, HasSubstr("transform 3  spline_coupling"));
  EXPECT_THAT(info.out, HasSubstr("no ODE is solved"));
  EXPECT_EQ(run({"info", "--recipe", file("fast.h5")}).code, 0);
  put("points.csv", "0,0\n1,-1\n");
  const auto density = run({"density", file("fast.h5"), file("points.csv")});
  EXPECT_EQ(density.code, 0) << density.err;
  EXPECT_EQ(run({"sample", file("fast.h5"), "-n", "100", "-o", file("s.h5"), "--log-density"}).code, 0);
  const auto again = run({"distill", file("fast.h5"), "-o", file("again.h5")});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("solves no ODE"));
}

TEST_F(DistillCommand, RefusesBeforeItComputes) {
  const auto refusal = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all{"distill", kDistilled};
    all.insert(all.end(), more.begin(), more.end());
    const auto got = run(all);
    EXPECT_EQ(got.code, 2) << got.err;
    return got.err;
  };
  EXPECT_THAT(refusal({"-o", kDistilled}), HasSubstr("is the model; choose another file"));
  EXPECT_THAT(refusal({"-o", file("none/f.h5"), "--time", "10h"}), HasSubstr("cannot write"));  // not after ten hours
  EXPECT_THAT(refusal({"-o", "fast.csv"}), HasSubstr("must end with .h5"));
  EXPECT_THAT(refusal({"-o", file("f.h5"), "--time", "soon"}), HasSubstr("--time = soon: must be a time above 0"));
  EXPECT_THAT(refusal({"-o", file("f.h5"), "--pairs", "3"}), HasSubstr("--pairs = 3: must be 0 or >= 1000"));
  EXPECT_THAT(refusal({"-o", file("f.h5"), "--layers", "-1"}), HasSubstr("--layers = -1"));
  EXPECT_THAT(refusal({"-o", file("f.h5"), "--map-share", "1"}), HasSubstr("--map-share = 1"));
  EXPECT_THAT(refusal({"-o", file("f.h5"), "--bins", "1"}), HasSubstr("--bins = 1"));
  EXPECT_THAT(refusal({"-o", file("f.h5"), "--hidden", "8,0"}), HasSubstr("--hidden = 0"));
}

}  // namespace
}  // namespace pathline
