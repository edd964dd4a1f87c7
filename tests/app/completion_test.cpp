// The scripts that complete the command line, in a real bash, and the manual pages.

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/program.hpp"

namespace pathline {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

// What bash offers after these words, the last of which is completed.
class Completion : public ScriptedProgram {
 protected:
  std::vector<std::string> offers(const std::string& words) const {
    const int code = bash(
        "source <(\"$P\" completion bash)\n"
        "COMP_WORDS=(" +
        words +
        ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
        "_pathline && printf '%s\\n' \"${COMPREPLY[@]}\"");
    EXPECT_EQ(code, 0) << get("err.txt");
    EXPECT_EQ(get("err.txt"), "");
    std::istringstream lines(get("out.txt"));
    std::vector<std::string> out;
    for (std::string line; std::getline(lines, line);)
      if (!line.empty()) out.push_back(line);
    return out;
  }
};

TEST_F(Completion, OfTheFirstWordIsACommand) {
  EXPECT_THAT(offers("pathline ''"),
              IsSupersetOf({"train", "sample", "density", "plot", "info", "data", "verify", "fit", "completion"}));
  EXPECT_THAT(offers("pathline ''"), Not(Contains("manual")));  // which is hidden
  EXPECT_THAT(offers("pathline de"), ElementsAre("density"));
  EXPECT_THAT(offers("pathline nothing"), IsEmpty());
}

TEST_F(Completion, OfAHyphenAreTheOptionsOfTheCommand) {
  EXPECT_THAT(offers("pathline sample -"), IsSupersetOf({"-n", "-o", "--output", "--seed", "--threads", "--help"}));
  EXPECT_THAT(offers("pathline train m.toml --st"), ElementsAre("--stepper", "--steps"));
  EXPECT_THAT(offers("pathline --v"), ElementsAre("--version"));
  EXPECT_THAT(offers("pathline train --"), Each(StartsWith("--")));
}

TEST_F(Completion, OfAnOptionAreItsValues) {
  EXPECT_THAT(offers("pathline train --precision ''"), ElementsAre("float", "double"));
  EXPECT_THAT(offers("pathline train --stepper b"), ElementsAre("bulirsch_stoer"));
  EXPECT_THAT(offers("pathline density m.h5 --trace = h"), ElementsAre("hutchinson"));  // as bash breaks --trace=h
  EXPECT_THAT(offers("pathline density m.h5 --trace ="), ElementsAre("exact", "hutchinson"));
  EXPECT_THAT(offers("pathline fit --model n"), ElementsAre("neural_ode"));
}

TEST_F(Completion, OfAFileOrANumberIsLeftToTheShell) {
  EXPECT_THAT(offers("pathline density mod"), IsEmpty());  // `complete -o default` offers files
  EXPECT_THAT(offers("pathline sample -o out"), IsEmpty());
  EXPECT_THAT(offers("pathline train --threads ''"), IsEmpty());
}

TEST_F(Completion, OfACommandBelowACommand) {
  const auto commands = offers("pathline dynamics ''");
  ASSERT_FALSE(commands.empty());
  EXPECT_THAT(offers("pathline dynamics " + commands[0] + " --"), Contains("--help"));
}

TEST_F(Completion, EveryOptionOfTheHelpIsOffered) {
  const auto offered = offers("pathline train -");
  const auto help = run({"train", "--help"}).out;
  int read = 0;
  for (auto at = help.find("\n  -"); at != std::string::npos; at = help.find("\n  -", at + 1)) {
    const auto begin = help.find("--", at);
    const auto option = help.substr(begin, help.find_first_of(" \n", begin) - begin);
    EXPECT_THAT(offered, Contains(option));
    ++read;
  }
  EXPECT_GT(read, 20);
}

TEST_F(Completion, OfZshIsAScriptThatZshReads) {
  if (bash("command -v zsh > /dev/null") != 0) GTEST_SKIP() << "zsh is not installed";
  EXPECT_EQ(bash("\"$P\" completion zsh -o _pathline && zsh -n _pathline"), 0) << get("err.txt");
  EXPECT_EQ(get("err.txt") + get("out.txt"), "");
  // Of each command its options, read by the functions themselves with _arguments replaced by a print.
  EXPECT_EQ(bash("head -n -1 _pathline > functions\n"
                 "zsh -c '_arguments() { print -rl -- \"$@\" }; source ./functions; _pathline_train'"),
            0);
  EXPECT_THAT(get("out.txt"), HasSubstr("--stepper[method that solves the ODE"));
  EXPECT_THAT(get("out.txt"), HasSubstr("]:stepper:(dopri5 euler midpoint"));
}

TEST(CompletionCommand, KnowsTwoShells) {
  EXPECT_THAT(run({"completion", "zsh"}).out, StartsWith("#compdef pathline\n"));
  const auto other = run({"completion", "fish"});
  EXPECT_EQ(other.code, 2);
  EXPECT_EQ(other.err, "pathline: SHELL = 'fish': must be bash or zsh\n");
}

class Manual : public ScriptedProgram {};

TEST_F(Manual, HasAPageForEachCommandWithEveryOption) {
  ASSERT_EQ(run({"manual", file("man")}).code, 0);
  int pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(file("man"))) {
    EXPECT_EQ(entry.path().extension(), ".1") << entry.path();
    ++pages;
  }
  EXPECT_GE(pages, 12);
  const auto train = get("man/pathline-train.1");
  EXPECT_THAT(train, HasSubstr(".TH PATHLINE\\-TRAIN 1 "));
  EXPECT_THAT(train, HasSubstr("\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fITEXT\\fR\n"));
  EXPECT_THAT(train, HasSubstr("default: dopri5"));
  EXPECT_THAT(train, HasSubstr("pathline train models/moons.toml"));
  EXPECT_THAT(get("man/pathline.1"), HasSubstr(".BR pathline\\-verify (1)\n"));
  for (const auto& text : {get("man/pathline.1"), run({"--help"}).out})
    EXPECT_THAT(text, Not(HasSubstr("manual pages of")));
}

TEST_F(Manual, GivesGroffNoWarning) {
  if (bash("command -v groff > /dev/null") != 0) GTEST_SKIP() << "groff is not installed";
  ASSERT_EQ(run({"manual", file("man")}).code, 0);
  EXPECT_EQ(bash("for page in man/*.1; do groff -man -Tutf8 -ww -z \"$page\"; done"), 0);
  EXPECT_EQ(get("err.txt"), "");
}

TEST_F(Manual, ThatCannotBeWrittenIsAnError) {
  put("file", "");
  const auto got = run({"manual", file("file")});
  EXPECT_NE(got.code, 0);
  EXPECT_EQ(std::count(got.err.begin(), got.err.end(), '\n'), 1);
}

}  // namespace
}  // namespace pathline
