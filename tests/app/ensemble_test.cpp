// `pathline train --ensemble`, and what the other commands make of its model.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/program.hpp"
#include "pathline/checkpoint/model.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

class EnsembleCommand : public ScriptedProgram {
 protected:
  void SetUp() override {
    ScriptedProgram::SetUp();
    const auto trained = run({"train", "moons", "--ensemble", "2", "-o", file("run"), "--quiet", "--threads", "1"}, few_);
    ASSERT_EQ(trained.code, 0) << trained.err;
    EXPECT_THAT(trained.out, HasSubstr("40 iterations"));
    EXPECT_THAT(trained.out, HasSubstr("for 2 members: " + file("run") + "/model.h5"));
  }
  const std::vector<std::string> few_{"--iterations", "20", "--set", "model.hidden=8", "--set", "train.evaluate_every=10",
                                      "--set", "data.test_size=200", "--set", "data.validation_size=200"};
};

TEST_F(EnsembleCommand, TheOtherCommandsTakeItsModelSlow) {
  const auto info = run({"info", file("run")});
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_THAT(info.out, HasSubstr("the mixture of 2 flows"));
  EXPECT_THAT(info.out, HasSubstr("member 2     weight 0.5"));
  EXPECT_THAT(info.out, HasSubstr("trained      40 iterations"));
  const auto sample = run({"sample", file("run"), "-n", "1000", "-o", file("s.csv"), "--log-density"});
  EXPECT_EQ(sample.code, 0) << sample.err;
  put("p.csv", "x1,x2\n0.5,0.5\n1,-1\n");
  const auto density = run({"density", file("run"), file("p.csv"), "-o", file("d.csv"), "--error", "--rtol", "1e-5"});
  EXPECT_EQ(density.code, 0) << density.err;
  EXPECT_EQ(run({"plot", file("run"), "-o", file("a.png"), "--cells", "40"}).code, 0);
  const auto report = run({"report", file("run"), "-o", file("a.html"), "--no-verify"});
  EXPECT_EQ(report.code, 0) << report.err;
}

TEST_F(EnsembleCommand, VerifyChecksTheMembersAndTheWholeSlow) {
  const auto verify = run({"verify", file("run"), "--quiet"});
  EXPECT_THAT(verify.out, HasSubstr("the worst of 2 members"));
  EXPECT_THAT(verify.out, HasSubstr("the integral is 1.00"));
  // Twenty iterations do not fit the data; but it is a density.
  std::istringstream lines(verify.out);
  int passed = 0;
  for (std::string line; std::getline(lines, line);)
    for (const char* check : {"digest", "there and back", "density both ways", "log-determinant", "continuity", "trace",
                              "adjoint gradient", "monotone maps", "known answers", "integral", "tolerance", "tails", "base"})
      if (line.starts_with(std::string(check) + "  ")) {
        ++passed;
        EXPECT_THAT(line, HasSubstr(" pass "));
      }
  EXPECT_EQ(passed, 13) << verify.out;
}

TEST_F(EnsembleCommand, WhatNeedsOnePathIsRefused) {
  const auto refused = [&](std::vector<std::string> words) {
    const auto got = run(std::move(words));
    EXPECT_EQ(got.code, 2) << got.out;
    EXPECT_THAT(got.err, HasSubstr("ensemble"));
  };
  const std::string model = file("run");
  refused({"sample", model, "-n", "10", "-o", file("t.h5"), "--trajectory", "5"});
  refused({"density", model, "--grid=-1:1:5", "--time", "0.5", "-o", file("g.h5")});
  refused({"plot", model, "-o", file("f.png"), "--field"});
  refused({"plot", model, "-o", file("f.png"), "--paths"});
  refused({"plot", model, "-o", file("f.png"), "--time", "0,1"});
  refused({"animate", model, "-o", file("f.gif")});
  refused({"distill", model, "-o", file("f.h5")});
  refused({"study", model, "-o", file("study")});
}

TEST_F(EnsembleCommand, KilledItContinuesToTheSameModelSlow) {
  const std::string train = "$P train moons --ensemble 2 --iterations 1000 --set model.hidden=8 --set optimizer.schedule=constant "
                            "--set train.checkpoint_every=20 --set data.test_size=200 --set data.validation_size=200 "
                            "--quiet --threads 1 -o ";
  ASSERT_EQ(bash(train + "whole"), 0) << get("err.txt");
  // Within the first member, and within the second.
  for (const std::string until : {"member-1/last.h5", "member-2/last.h5"}) {
    EXPECT_EQ(bash("rm -rf killed\n" + train + "killed & job=$!\n" + "while [ ! -e killed/" + until +
                   " ] && kill -0 $job; do sleep 0.01; done\nsleep 0.05; kill -9 $job; wait $job; "
                   "[ ! -e killed/model.h5 ] && $P train --resume killed --quiet --threads 1"),
              0)
        << get("err.txt");
    const auto digest = [&](const std::string& run) { return read_card(file(run + "/model.h5")).digest; };
    EXPECT_EQ(digest("killed"), digest("whole"));
  }
}

}  // namespace
}  // namespace pathline
