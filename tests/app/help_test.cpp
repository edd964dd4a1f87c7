// The help of every command: one screen, with examples that run.
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "app/help_text.hpp"
#include "paths.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// Every command that can be run, as its words.
std::vector<std::vector<std::string>> commands(const std::vector<std::string>& path = {}) {
  auto words = path;
  words.push_back("--help");
  const auto lines = lines_of(run(words).out);
  auto at = std::find(lines.begin(), lines.end(), "Commands:");
  if (at == lines.end()) return {path};
  std::vector<std::vector<std::string>> out;
  for (++at; at != lines.end() && at->starts_with("  "); ++at) {
    if (at->starts_with("   ")) continue;  // goes on with a description
    auto longer = path;
    longer.push_back(at->substr(2, at->find(' ', 2) - 2));
    const auto more = commands(longer);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

std::vector<std::string> examples_of(const std::string& help) {
  std::vector<std::string> out;
  bool inside = false;
  for (const auto& line : lines_of(help)) {
    if (line == "Examples:")
      inside = true;
    else if (inside && line.starts_with("  "))
      out.push_back(line.substr(2));
    else
      inside = false;
  }
  return out;
}

TEST(Help, OfEachCommandIsOneScreenWithTwoExamples) {
  const auto all = commands();
  EXPECT_GE(all.size(), 15u);
  for (auto words : all) {
    const std::string name = testing::PrintToString(words);
    words.push_back("--help");
    const std::string help = run(words).out;
    const auto lines = lines_of(help);
    EXPECT_LE(lines.size(), 50u) << name;
    for (const auto& line : lines) EXPECT_LE(line.size(), kHelpWidth) << name;
    EXPECT_GE(examples_of(help).size(), 2u) << name;
  }
}

TEST(Help, OptionsStandInTheirGroups) {
  const auto help = run({"plot", "--help"}).out;
  for (const char* group : {"\nWhat to show:\n", "\nTables:\n", "\nSolver:\n", "\nGeneral:\n", "\nExamples:\n"})
    EXPECT_THAT(help, HasSubstr(group));
  EXPECT_LT(help.find("--columns"), help.find("\nSolver:\n"));
  EXPECT_GT(help.find("--rtol"), help.find("\nSolver:\n"));
}

TEST(Help, AWrongOptionGetsItsNearestAndAFarOneNone) {
  EXPECT_THAT(run({"plot", "m.h5", "-o", "a.png", "--colums", "x"}).err,
              HasSubstr("unknown option '--colums' of pathline plot; did you mean '--columns'?"));
  EXPECT_THAT(run({"plot", "m.h5", "-o", "a.png", "--colums=x"}).err, HasSubstr("did you mean '--columns'?"));
  const auto far = run({"plot", "m.h5", "-o", "a.png", "--zzzzzzzz"}).err;
  EXPECT_THAT(far, HasSubstr("unknown option '--zzzzzzzz' of pathline plot; see pathline plot --help"));
  EXPECT_THAT(run({"zzzzzzzz"}).err, Not(HasSubstr("did you mean")));
  EXPECT_THAT(run({"trian"}).err, HasSubstr("unknown command 'trian' of pathline; did you mean 'train'?"));
}

TEST(Help, TextIsWrappedAtItsWidth) {
  const OptionText option{.names = {"--a"},
                          .value = "",
                          .default_value = "",
                          .help = std::string(60, 'x') + " " + std::string(60, 'y'),
                          .group = "Options",
                          .choices = {}};
  const std::string text = help_text({.name = "p", .description = "d", .footer = "", .options = {option}, .commands = {}}, "p");
  EXPECT_THAT(text, HasSubstr("  --a  " + std::string(60, 'x') + "\n       " + std::string(60, 'y') + "\n"));
}

// Each line of a paragraph was once wrapped by itself, which left lines of one word.
TEST(Help, AParagraphBehindTheExamplesIsWrappedAsOne) {
  const std::string half(60, 'x'),
      footer = "Examples:\n  pathline a\n  pathline b\n" + half + " one\n" + half + "\ntwo";
  EXPECT_THAT(help_text({.name = "p", .description = "d", .footer = footer, .options = {}, .commands = {}}, "p"),
              HasSubstr("Examples:\n  pathline a\n  pathline b\n" + half + " one\n" + half + " two\n"));
}

// The examples of these commands, each in turn, as one pastes them into a clean checkout: what an example needs stands
// in the repository, or was made by an example of the same help before it.
using Words = std::vector<std::string>;

// Examples that take a minute each are left out of CI, and the commands whose help has them.
const std::vector<Words> kWithLong{{"train"}, {"dynamics", "energy"}};
const std::vector<std::string> kLongExamples{"pathline train models/moons.toml -o runs/moons", "pathline dynamics energy"};

class HelpSlow : public ScriptedProgram {
 protected:
  void run_examples(const std::vector<std::vector<std::string>>& commands, bool with_long = false) const {
    std::string setup = "export HOME=\"$PWD/home\"\nmkdir -p home\n";
    for (const char* name : {"models", "datasets", "examples", "tests"})
      setup += std::string("ln -sfn '") + source_dir() + "/" + name + "' .\n";
    for (auto words : commands) {
      words.push_back("--help");
      for (const auto& example : examples_of(run(words).out)) {
        if (!with_long && std::count(kLongExamples.begin(), kLongExamples.end(), example) > 0) continue;
        EXPECT_EQ(bash(setup + "set -eo pipefail\n" + example), 0) << example << "\n" << get("err.txt");
      }
    }
  }
};

const std::vector<Words> kQuick{{"data", "list"},
                                {"data", "sample"},
                                {"data", "split"},
                                {"info"},
                                {"plot"},
                                {"report"},
                                {"import", "ffjord"},
                                {"sample"},
                                {"density"},
                                {"verify"},
                                {"reseal"},
                                {"completion"},
                                {"predict"},
                                {"animate"},
                                {"dynamics", "simulate"},
                                {"dynamics", "predict"}};
const std::vector<Words> kTraining{{"train"}, {"watch"}, {"fit"}, {"dynamics", "fit"}};
const std::vector<Words> kMeasuring{
    {"distill"}, {"study"}, {"compare"}, {"dynamics", "motions"}, {"dynamics", "energy"}};

TEST(HelpExamples, OfAMinuteAreThoseOfAHelp) {
  for (const auto& example : kLongExamples) {
    bool found = false;
    for (Words words : kWithLong) {
      words.push_back("--help");
      const auto examples = examples_of(run(words).out);
      found = found || std::count(examples.begin(), examples.end(), example) > 0;
    }
    EXPECT_TRUE(found) << example;
  }
}

TEST(HelpExamples, OfEveryCommandAreRun) {
  std::vector<Words> run_here;
  for (const auto* list : {&kQuick, &kTraining, &kMeasuring})
    run_here.insert(run_here.end(), list->begin(), list->end());
  EXPECT_THAT(run_here, testing::UnorderedElementsAreArray(commands()));
}

TEST_F(HelpSlow, ExamplesOfQuickCommandsRunAsTheyArePasted) { run_examples(kQuick); }
TEST_F(HelpSlow, ExamplesOfTrainingRunAsTheyArePasted) { run_examples(kTraining); }
TEST_F(HelpSlow, ExamplesThatMeasureRunAsTheyArePasted) { run_examples(kMeasuring); }
TEST_F(HelpSlow, ExamplesOfAMinuteRunAsTheyArePastedExhaustive) {
  run_examples(kWithLong, /*with_long=*/true);
}

}  // namespace
}  // namespace pathline
