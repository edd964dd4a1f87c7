// `pathline watch`: the course of a run, while it runs and afterwards.
#include <string>

#include <gmock/gmock.h>

#include "app/terminal_chart.hpp"
#include "core/utf8.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::size_t characters(const std::string& text) {
  std::size_t n = 0;
  for (std::size_t at = 0; at < text.size(); ++n)
    at += std::max<std::size_t>(first_character(std::string_view(text).substr(at)).bytes, 1);
  return n;
}

TEST(TerminalChart, DrawsALineFromCornerToCorner) {
  const auto ascii = terminal_chart({{"a", {0, 10}, {0, 1}}}, 20, 5, Dots::ascii);
  EXPECT_THAT(ascii, ElementsAre("      1.02|       **", "          |    ***", "          |  **", "     -0.02|**",
                                 "           0      10"));
  const auto braille = terminal_chart({{"a", {0, 10}, {0, 1}}}, 40, 8, Dots::braille);
  for (const auto& line : braille) EXPECT_LE(characters(line), 40u);
  EXPECT_THAT(braille[0], HasSubstr("\xe2\xa0"));
  EXPECT_THAT(terminal_chart({{"a", {0}, {std::nan("")}}}, 20, 4, Dots::ascii), ElementsAre("", "", "", ""));
  EXPECT_EQ(terminal_chart({{"a", {5}, {5}}}, 20, 4, Dots::braille).size(), 4u);
}

class Watch : public ScriptedProgram {
 protected:
  const std::string train_ =
      "$P train moons -o run --iterations 60 --quiet --set model.hidden=8 --set data.validation_size=200 "
      "--set data.test_size=200 --set train.evaluate_every=20 --set train.checkpoint_every=20";
};

TEST_F(Watch, OfAnEndedRunPrintsItsValidationsWithoutEscapes) {
  ASSERT_EQ(bash(train_ + " && $P watch run > w.txt"), 0) << get("err.txt");
  const std::string text = get("w.txt");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
  EXPECT_THAT(text, HasSubstr("20 of 60  validation "));
  EXPECT_THAT(text, HasSubstr("ended after "));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST_F(Watch, FollowsARunToItsEnd) {
  ASSERT_EQ(bash(train_ + " & until [ -e run/.lock ] || [ -e run/model.h5 ]; do sleep 0.05; done; timeout 60 $P watch "
                          "run > w.txt; echo $? > code; wait"),
            0);
  EXPECT_EQ(get("code"), "0\n");
  EXPECT_THAT(get("w.txt"), HasSubstr("60 of 60  validation "));
}

TEST_F(Watch, OnATerminalDrawsAChartThatFits) {
  ASSERT_EQ(bash(train_ + " && LC_ALL=C.UTF-8 script -qec 'stty cols 60; exec '\"$P\"' watch run' /dev/null > w.txt"),
            0)
      << get("err.txt");
  const std::string text = get("w.txt");
  EXPECT_THAT(text, HasSubstr("validation NLL, nats, by iteration"));
  EXPECT_THAT(text, HasSubstr("\xe2\xa0"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(characters(line), 61u) << line;  // with a carriage return
}

// It is waited for some seconds for a run that may begin.
TEST_F(Watch, WhatIsNoRunIsRefusedSlow) {
  EXPECT_THAT(run({"watch", file("none")}).err, HasSubstr("is not the directory of a run"));
  EXPECT_THAT(run({"watch", root_.string()}).err, HasSubstr("holds no run: it has no metrics.jsonl"));
  put("metrics.jsonl", "no json\n{\"iteration\": 5, \"validation_nll\": null}\n");
  EXPECT_EQ(run({"watch", root_.string()}).code, 0);
}

TEST_F(Watch, TensorBoardGetsTheLossesOfARun) {
  ASSERT_EQ(bash(train_ + " --tensorboard && ls run"), 0) << get("err.txt");
  const std::string files = get("out.txt");
  const auto at = files.find("events.out.tfevents.");
  ASSERT_NE(at, std::string::npos) << files;
  const std::string events = get("run/" + files.substr(at, files.find('\n', at) - at));
  for (const char* tag :
       {"loss/batch", "loss/validation_nll", "loss/validation_kl", "optimizer/learning_rate", "nfe/forward"})
    EXPECT_THAT(events, HasSubstr(tag));
}

}  // namespace
}  // namespace pathline
