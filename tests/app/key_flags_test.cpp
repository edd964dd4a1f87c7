#include "app/key_flags.hpp"

#include <gmock/gmock.h>

#include "message.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// A command with some options that stand for keys.
struct Parser {
  Parser() {
    keys.add(line.program(), "--rtol", "solver.rtol");
    keys.add(line.program(), "--steps", "solver.steps", "that of the model");
    keys.add(line.program(), "--trace", "trace.kind");
    keys.add(line.program(), "--columns", "data.columns");
    keys.add(line.program(), "--weights", "data.weights");
    keys.add(line.program(), "--test", "data.test");
    keys.add(line.program(), "--drop-missing", "data.drop_missing");
    keys.say("--resume", "TrainerOptions.resume");
  }
  Recipe recipe(std::vector<std::string> words) {
    std::vector<const char*> argv{"test"};
    for (const auto& word : words) argv.push_back(word.c_str());
    line.parse(static_cast<int>(argv.size()), argv.data());
    Recipe out;
    keys.apply_to(out);
    return out;
  }

  CommandLine line{"test", "", ""};
  KeyFlags keys;
};

std::string error(const std::vector<std::string>& words) {
  return message([&] { Parser().recipe(words); });
}

TEST(KeyFlags, EveryTypeOfKeyIsSet) {
  Parser command;
  const auto r = command.recipe({"--rtol", ".5", "--steps", "3", "--trace", "hutchinson", "--columns", "a,b",
                                 "--columns", "c d", "--weights", "'w' \"x\"", "--drop-missing"});
  EXPECT_EQ(r.gradient.solver.rtol, 0.5);
  EXPECT_EQ(r.gradient.solver.steps, 3);
  EXPECT_EQ(r.gradient.trace.kind, TraceKind::hutchinson);
  EXPECT_THAT(r.data.reading.columns, ElementsAre("a", "b", "c d"));
  EXPECT_EQ(r.data.reading.weights, "'w' \"x\"");  // taken as it stands
  EXPECT_TRUE(r.data.reading.table.drop_missing);
  EXPECT_TRUE(command.keys.given("--rtol"));
  EXPECT_FALSE(command.keys.given("--test"));
}

TEST(KeyFlags, WithoutOptionsTheRecipeStays) { EXPECT_EQ(Parser().recipe({}), Recipe{}); }

TEST(KeyFlags, AnErrorNamesTheOption) {
  EXPECT_EQ(error({"--rtol=-1"}), "--rtol = -1: must be > 0");
  EXPECT_EQ(error({"--rtol", "nan"}), "--rtol = nan: must be > 0");
  EXPECT_EQ(error({"--rtol", "small"}), "--rtol = small: must be a number > 0");
  EXPECT_EQ(error({"--rtol", ""}), "--rtol = : must be a number > 0");
  EXPECT_EQ(error({"--trace", "exakt"}), "--trace = exakt: must be one of exact, hutchinson (nearest: exact)");
  EXPECT_EQ(error({"--weights", "\xff"}), "--weights = \\xff: must be text in UTF-8");
  EXPECT_EQ(error({"--columns", "a,a"}), "--columns = a,a: must be a list of text in UTF-8, each once");
}

// What an option says of itself is said once, in the table of keys.
TEST(KeyFlags, TheHelpIsThatOfTheTableOfKeys) {
  const std::string help = Parser().line.program().help();
  for (const auto& key : recipe_keys()) {
    if (key.key == "solver.rtol")
      EXPECT_THAT(help, AllOf(HasSubstr(key.description + "; " + key.range), HasSubstr("(" + key.default_value + ")")));
    if (key.key == "trace.kind")
      EXPECT_THAT(help, AllOf(HasSubstr(key.description + "; one of exact,"), HasSubstr("hutchinson (exact)")));
    if (key.key == "data.columns") EXPECT_THAT(help, HasSubstr(key.description));
  }
  EXPECT_THAT(help, HasSubstr("0 = adaptive steps; >= 0; default: that of the model"));
}

// The name within the option was replaced again, for ever.
TEST(KeyFlags, AnOptionMayContainTheNameThatItReplaces) {
  KeyFlags keys;
  keys.say("--loss-weights", "weights");
  EXPECT_EQ(keys.worded("weights[0] = -1: the weights"), "--loss-weights[0] = -1: the --loss-weights");
}

TEST(KeyFlags, AMessageIsWordedByTheOptions) {
  Parser command;
  const auto& keys = command.keys;
  EXPECT_EQ(keys.worded("a.csv: pass SourceOptions.weights = w, or SourceOptions.columns"),
            "a.csv: pass --weights w, or --columns");
  EXPECT_EQ(keys.worded("use SourceOptions.discrete = n"), "use data.discrete = n");  // the command has no such option
  EXPECT_EQ(keys.worded("set data.test_size and data.test"), "set data.test_size and --test");
  EXPECT_EQ(keys.worded("continue it with TrainerOptions.resume"), "continue it with --resume");
  const std::string of_a_file = "x.toml:2: solver.rtol = -1: must be > 0";
  EXPECT_EQ(keys.worded(of_a_file), of_a_file);
  EXPECT_EQ(keys.worded("did you mean 'solver.rtol'?"), "did you mean 'solver.rtol'?");
  command.recipe({"--rtol", "1"});
  EXPECT_EQ(keys.worded("solver.rtol = 1: is too large"), "--rtol = 1: is too large");
  EXPECT_EQ(keys.worded("solver.evaluation.rtol = 1"), "solver.evaluation.rtol = 1");
}

}  // namespace
}  // namespace pathline
