#include "pathline/recipe/recipe.hpp"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/random.hpp"
#include "pathline/recipe/build_flow.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::string parse_error(const std::string& toml) {
  return message([&] { (void)parse_recipe(toml, "x.toml"); });
}

std::string set_error(const std::string& assignment, Recipe recipe = {}) {
  const Recipe before = recipe;
  const std::string what = message([&] { set(recipe, assignment); });
  EXPECT_EQ(recipe, before);
  return what;
}

Recipe with(const std::vector<std::string>& assignments) {
  Recipe recipe;
  for (const auto& assignment : assignments) set(recipe, assignment);
  return recipe;
}

TEST(Recipe, EmptyFileIsTheDefaults) {
  EXPECT_EQ(parse_recipe("", "x.toml"), Recipe{});
  EXPECT_EQ(Recipe{}.objective.size(), 1u);
  EXPECT_NO_THROW(check_recipe({}));
}

TEST(Recipe, FileReachesEveryTable) {
  const Recipe r = parse_recipe(R"(
[data]
source = "table.h5:points"
condition = ["a", "b"]
standardize = false
[model]
hidden = [32]
train_end_time = true
[model.transforms]
kind = "affine_coupling"
count = 4
hidden = [16, 8]
[trace]
kind = "hutchinson"
[solver]
rtol = 1e-4
max_steps = 1e3
[solver.evaluation]
rtol = 1
[objective]
steer = 0.25
[optimizer]
name = "adamw"
[train]
seed = 7
)",
                                "x.toml");
  EXPECT_EQ(r.data.source, "table.h5:points");
  EXPECT_THAT(r.data.reading.condition, ElementsAre("a", "b"));
  EXPECT_FALSE(r.data.preparing.standardize);
  EXPECT_THAT(r.model.network.hidden, ElementsAre(32));
  EXPECT_TRUE(r.model.train_end_time);
  EXPECT_EQ(r.model.layers.kind, LayerKind::affine_coupling);
  EXPECT_EQ(r.model.layers.count, 4);
  EXPECT_THAT(r.model.layers.coupling.hidden, ElementsAre(16, 8));
  EXPECT_EQ(r.gradient.trace.kind, TraceKind::hutchinson);
  EXPECT_EQ(r.gradient.solver.rtol, 1e-4);
  EXPECT_EQ(r.gradient.solver.max_steps, 1000);  // 1e3 is a float to TOML, and whole
  EXPECT_EQ(r.train.evaluation.solver.rtol, 1);
  EXPECT_EQ(r.train.evaluation.solver.atol, 1e-6);
  EXPECT_EQ(r.objective.at(0).steer, 0.25);
  EXPECT_EQ(r.train.adam.decay, AdamOptions::Decay::decoupled);
  EXPECT_EQ(r.train.seed, 7u);
}

TEST(Recipe, ObjectiveIsOneTableOrStages) {
  const std::string stages = "[[objective]]\nkind = 'flow_matching'\n[[objective]]\nlearning_rate = 1e-4\n";
  const Recipe r = parse_recipe(stages, "x.toml");
  ASSERT_EQ(r.objective.size(), 2u);
  EXPECT_EQ(r.objective[0].kind, ObjectiveKind::flow_matching);
  EXPECT_EQ(r.objective[1].kind, ObjectiveKind::likelihood);
  EXPECT_EQ(r.objective[1].learning_rate, 1e-4);
  EXPECT_EQ(parse_recipe("objective = [{kind = 'flow_matching'}, {learning_rate = 1e-4}]", "x.toml"), r);
  EXPECT_EQ(parse_error("objective = []"), "x.toml:1: objective = []: must have at least one stage");
}

TEST(Recipe, UnknownNamesAreErrorsWithTheNearest) {
  EXPECT_EQ(parse_error("\n[solver]\nrtoll = 1"), "x.toml:3: unknown key 'solver.rtoll'; did you mean 'solver.rtol'?");
  EXPECT_EQ(parse_error("[solvr]\nrtol = 1"), "x.toml:1: unknown table 'solvr'; did you mean 'solver'?");
  EXPECT_EQ(parse_error("rtol = 1"), "x.toml:1: unknown key 'rtol'; did you mean 'solver.rtol'?");
  EXPECT_EQ(parse_error("[train]\nrtol = 1"), "x.toml:2: unknown key 'train.rtol'; did you mean 'solver.rtol'?");
  EXPECT_EQ(parse_error("[solver.evaluation]\nadjoint = 'discrete'"),
            "x.toml:2: unknown key 'solver.evaluation.adjoint'; did you mean 'solver.adjoint'?");
  EXPECT_EQ(parse_error("[[objective]]\n[[objective]]\nsigm = 1"),
            "x.toml:3: unknown key 'objective.sigm'; did you mean 'objective.sigma'?");
  EXPECT_EQ(set_error("solver.rtoll=1"), "unknown key 'solver.rtoll'; did you mean 'solver.rtol'?");
  EXPECT_EQ(set_error("batch=1"), "unknown key 'batch'; did you mean 'train.batch'?");
  EXPECT_EQ(set_error("solver.evaluation=1"),
            "unknown key 'solver.evaluation'; did you mean 'solver.evaluation.rtol'?");
}

TEST(Recipe, ValueOutOfItsRangeIsAnError) {
  EXPECT_EQ(parse_error("[solver]\nrtol = -1"), "x.toml:2: solver.rtol = -1: must be > 0");
  EXPECT_EQ(set_error("solver.rtol=-1"), "solver.rtol = -1: must be > 0");
  EXPECT_EQ(set_error("solver.rtol=0"), "solver.rtol = 0: must be > 0");
  EXPECT_EQ(set_error("model.time_features=65"), "model.time_features = 65: must be in [0, 64]");
  EXPECT_EQ(set_error("optimizer.ema=1"), "optimizer.ema = 1: must be in [0, 1)");
  EXPECT_EQ(set_error("optimizer.decay_factor=0"), "optimizer.decay_factor = 0: must be in (0, 1]");
  EXPECT_EQ(set_error("model.hidden=[64, 0]"), "model.hidden = [ 64, 0 ]: must be all >= 1");
  EXPECT_EQ(parse_error("[[objective]]\n[[objective]]\nsteer = 1"),
            "x.toml:3: objective.2.steer = 1: must be in [0, 1)");
  EXPECT_EQ(set_error("trace.kind=exakt"), "trace.kind = \"exakt\": must be one of exact, hutchinson (nearest: exact)");
}

TEST(Recipe, WidthsFollowTheNumberOfColumnsUnlessTheyAreGiven) {
  const auto widths = [](const Recipe& r, Index dim) { return with_hidden(r.model, dim).network.hidden; };
  EXPECT_THAT(widths(with({"model.hidden=0"}), 2), ElementsAre(64, 64, 64));
  for (const Index dim : {1, 2}) EXPECT_THAT(widths({}, dim), ElementsAre(64, 64, 64));
  for (const Index dim : {3, 50}) EXPECT_THAT(widths({}, dim), ElementsAre(96, 96));
  EXPECT_THAT(widths(with({"model.field=potential"}), 3), ElementsAre(64, 64, 64));
  EXPECT_THAT(widths(with({"model.hidden=64,64,64"}), 3), ElementsAre(64, 64, 64));
  EXPECT_THAT(widths(with({"model.hidden=[]"}), 3), IsEmpty());
}

TEST(Recipe, NumberThatIsNotFiniteIsRefusedEverywhere) {
  for (const auto& key : recipe_keys()) {
    for (const std::string bad : {"nan", "inf", "-inf"}) {
      if (key.range.find("true") == 0 || key.range.find("text") != std::string::npos) continue;
      EXPECT_THAT(set_error(key.key + "=" + bad), AllOf(HasSubstr(key.key + " = "), HasSubstr("must be")));
    }
  }
  EXPECT_EQ(parse_error("[solver]\nrtol = nan"), "x.toml:2: solver.rtol = nan: must be > 0");
}

TEST(Recipe, ValueOfAnotherTypeIsAnError) {
  EXPECT_EQ(parse_error("[solver]\nrtol = 'x'"), "x.toml:2: solver.rtol = \"x\": must be a number > 0");
  EXPECT_EQ(parse_error("[solver]\nrtol = true"), "x.toml:2: solver.rtol = true: must be a number > 0");
  EXPECT_EQ(parse_error("[train]\nbatch = 1.5"), "x.toml:2: train.batch = 1.5: must be an integer >= 1");
  EXPECT_EQ(parse_error("[train]\nbatch = 1e30"), "x.toml:2: train.batch = 1e+30: must be an integer >= 1");
  EXPECT_EQ(parse_error("[train]\nbatch = {a = 1}"), "x.toml:2: train.batch = a table: must be an integer >= 1");
  EXPECT_EQ(parse_error("[model]\nresidual = 1"), "x.toml:2: model.residual = 1: must be true or false");
  EXPECT_THAT(parse_error("[model]\nhidden = 64"), HasSubstr("must be a list of integers, all >= 1"));
  EXPECT_THAT(parse_error("[data]\ncondition = [1]"), HasSubstr("must be a list of text"));
  EXPECT_EQ(parse_error("[data]\nsource = 1"), "x.toml:2: data.source = 1: must be text in UTF-8");
  EXPECT_EQ(parse_error("solver = 1"), "x.toml:1: solver = 1: must be a table");
  EXPECT_THAT(parse_error("[[solver]]\nrtol = 1"), HasSubstr("must be a table"));
  EXPECT_THAT(parse_error("objective = [1]"), HasSubstr("objective.1 = 1: must be a table"));
  EXPECT_EQ(set_error("train.batch=many"), "train.batch = many: must be an integer >= 1");
}

TEST(Recipe, TextThatIsNotTomlIsOneLineWithItsNumber) {
  for (const std::string bad : {"[data]\nsource = ", "[data]\nsource = moons", "[data]\n[data]", "[data\n", "a = \xff"})
    EXPECT_THAT(parse_error(bad), AllOf(StartsWith("x.toml:"), Not(HasSubstr("\n")))) << bad;
  EXPECT_THAT(parse_error("[data]\nsource = moons\n"), StartsWith("x.toml:2: "));
}

// toml++ descends a level a dot: the process ended with a signal.
TEST(Recipe, KeyOfManyPartsIsAnErrorAndNotAStackOverflow) {
  std::string key = "a";
  for (int i = 0; i < 100000; ++i) key += ".a";
  EXPECT_EQ(parse_error("\n" + key + " = 1"), "x.toml:2: more than 32 dots in one key or value");
  EXPECT_EQ(parse_error("[" + key + "]"), "x.toml:1: more than 32 dots in one key or value");
  std::string nested;  // as deep as the dots and toml++'s own limit of nested values let it be
  for (int i = 0; i < 250; ++i) nested += key.substr(0, 65) + " = {";
  EXPECT_THAT(parse_error(nested), HasSubstr("x.toml:1: "));
  EXPECT_EQ(parse_error(std::string((1 << 20) + 1, ' ')), "x.toml: more than 1048576 bytes: expected a recipe");
  EXPECT_THAT(message([] { (void)read_recipe("/dev/zero"); }), HasSubstr("/dev/zero: more than 1048576 bytes"));
}

// Both named the same column, which was then in the condition twice.
TEST(Recipe, ConditionThatRepeatsAColumnIsRefused) {
  EXPECT_THAT(parse_error("[data]\ncondition = [\"a\", \"a\"]"), HasSubstr("x.toml:2: data.condition"));
  EXPECT_THAT(set_error("data.condition=a,b,a"), HasSubstr("a list of text in UTF-8, each once"));
}

TEST(Recipe, AssignmentTakesBareWordsAndLists) {
  const Recipe r = with({"data.source = moons", "model.hidden=64,32", "data.condition=[a, b c]", "model.residual=true",
                         "solver.evaluation.rtol=1e-7", "train.iterations=2e4", "trace.probes=3"});
  EXPECT_EQ(r.data.source, "moons");
  EXPECT_THAT(r.model.network.hidden, ElementsAre(64, 32));
  EXPECT_THAT(r.data.reading.condition, ElementsAre("a", "b c"));
  EXPECT_TRUE(r.model.network.residual);
  EXPECT_EQ(r.train.evaluation.solver.rtol, 1e-7);
  EXPECT_EQ(r.train.iterations, 20000);
  EXPECT_THAT(with({"model.hidden=[]"}).model.network.hidden, IsEmpty());
  EXPECT_THAT(with({"model.hidden=8"}).model.network.hidden, ElementsAre(8));
  EXPECT_THAT(with({"data.condition=a", "data.condition="}).data.reading.condition, IsEmpty());
  EXPECT_EQ(with({"solver.rtol=.5"}).gradient.solver.rtol, 0.5);  // no number to TOML
  EXPECT_EQ(with({"solver.rtol=5."}).gradient.solver.rtol, 5);
  EXPECT_THAT(with({"data.condition=[\"a,b\", 'c']"}).data.reading.condition, ElementsAre("a,b", "c"));
}

TEST(Recipe, AssignedTextIsTakenAsItStands) {
  EXPECT_EQ(with({"data.source=1e5"}).data.source, "1e5");
  EXPECT_EQ(with({"data.source=true"}).data.source, "true");
  EXPECT_EQ(with({"data.source=C:\\new \"x\".h5:a=b"}).data.source, "C:\\new \"x\".h5:a=b");
  EXPECT_EQ(with({"data.source=\"quoted\""}).data.source, "quoted");
  EXPECT_EQ(with({"data.source="}).data.source, "");
}

TEST(Recipe, AssignmentThatIsNotOneIsAnError) {
  EXPECT_EQ(set_error("solver.rtol"), "'solver.rtol': must be table.key=value");
  EXPECT_EQ(set_error("=1"), "'=1': must be table.key=value");
  EXPECT_EQ(set_error(""), "'': must be table.key=value");
  EXPECT_EQ(set_error("solver.rtol="), "solver.rtol = : must be a number > 0");
  EXPECT_THAT(set_error("solver.rtol=1\nx=2"), AllOf(HasSubstr("must be"), Not(HasSubstr("\n"))));
  EXPECT_THAT(set_error("data.source=\xff"), HasSubstr("must be text in UTF-8"));
  EXPECT_THAT(set_error("data.source=\"open"), HasSubstr("must be text in UTF-8"));
}

TEST(Recipe, AssignmentReachesAStage) {
  Recipe r;
  r.objective.resize(2);
  set(r, "objective.2.iterations=50");
  EXPECT_EQ(r.objective[0].iterations, 0);
  EXPECT_EQ(r.objective[1].iterations, 50);
  EXPECT_EQ(set_error("objective.iterations=1", r),
            "objective.iterations: ambiguous, because the recipe has 2 stages; use objective.1 to objective.2");
  EXPECT_EQ(set_error("objective.3.iterations=1", r),
            "objective.3.iterations: stages are counted from 1; the recipe has 2");
  EXPECT_THAT(set_error("objective.0.iterations=1", r), HasSubstr("counted from 1"));
  EXPECT_THAT(set_error("objective.99999999999999999999.iterations=1", r), HasSubstr("counted from 1"));
  EXPECT_THAT(set_error("objective.2.iterations=-1", r), StartsWith("objective.2.iterations = -1: must be"));
  EXPECT_EQ(with({"objective.sigma=1"}), with({"objective.1.sigma=1"}));
}

TEST(Recipe, TomlHasEveryKeyAndParsesBackToAnEqualRecipe) {
  Recipe r = with({"data.source=C:\\x \"y\"\t\x01\x7f\xc3\xa9.csv:a", "data.condition=a,b c", "model.hidden=[]",
                   "model.residual=true", "solver.evaluation.steps=5", "train.seed=9223372036854775807"});
  r.objective.resize(3);
  r.objective[1].kind = ObjectiveKind::flow_matching;
  r.objective[2].regularizers.JFrobint = 0.1;
  const std::string toml = to_toml(r);
  EXPECT_EQ(parse_recipe(toml, "x.toml"), r) << toml;
  EXPECT_EQ(to_toml(parse_recipe(toml, "x.toml")), toml);
  for (const auto& key : recipe_keys())
    EXPECT_THAT(toml, HasSubstr("\n" + key.key.substr(key.key.rfind('.') + 1) + " = ")) << key.key;
}

TEST(Recipe, DoublesRoundTripExactly) {
  Engine engine = make_stream(1, "recipe");
  for (int i = 0; i < 1000; ++i) {
    Recipe r;
    const std::uint64_t bits = engine();
    std::memcpy(&r.gradient.solver.rtol, &bits, sizeof bits);
    r.gradient.solver.rtol = std::abs(r.gradient.solver.rtol);
    if (!(std::isfinite(r.gradient.solver.rtol) && r.gradient.solver.rtol > 0)) continue;
    EXPECT_EQ(parse_recipe(to_toml(r), "x.toml").gradient.solver.rtol, r.gradient.solver.rtol);
  }
  for (const double x : {1.0, 1e16, 1e22, 1e300, 0.1, std::numeric_limits<double>::min(), 123456789.0}) {
    Recipe r;
    r.gradient.solver.rtol = x;
    EXPECT_EQ(parse_recipe(to_toml(r), "x.toml").gradient.solver.rtol, x);
  }
}

// Members of an aggregate: the longest list of initializers it takes.
struct Anything {
  template <class T> operator T() const;
};
template <class S, class... Before> constexpr std::size_t members() {
  if constexpr (requires { S{Before{}..., Anything{}}; })
    return members<S, Before..., Anything>();
  else
    return sizeof...(Before);
}

TEST(Recipe, EveryMemberIsInTheTableOfKeys) {
  // Each key changes the recipe, no two the same member: as many keys as members.
  std::set<std::string> seen{to_toml({})};
  for (const auto& key : recipe_keys()) {
    std::string changed;
    for (const std::string value : {"true",
                                    "false",
                                    "3",
                                    "0.125",
                                    "euler",
                                    "full",
                                    "gaussian",
                                    "float",
                                    "double",
                                    "potential",
                                    "ignore",
                                    "sin",
                                    "hutchinson",
                                    "backsolve",
                                    "reverse_kl",
                                    "ot",
                                    "variance_preserving",
                                    "logit_normal",
                                    "adamw",
                                    "cosine",
                                    "yes",
                                    "constant",
                                    "affine_coupling",
                                    "funnel"}) {
      Recipe r;
      if (message([&] { set(r, key.key + "=" + value); }) == "no error" && r != Recipe{}) changed = to_toml(r);
    }
    EXPECT_NE(changed, "") << key.key << " takes none of these values";
    EXPECT_TRUE(seen.insert(changed).second) << key.key;
  }
  // A member without a key would be lost when a model is written. These are set when the objects are built:
  constexpr std::size_t built = 6 +  // SourceOptions: seed, constant, period, and of its table the names, bounds and the struct itself
                                6 +  // TrainingDataOptions: condition and discrete, which `reading` has; bounds, period, seed, name
                                3 +  // MlpOptions: dim, condition_dim, time_at_input
                                6 +  // CouplingOptions: kind, dim, condition_dim, moved, activation, residual
                                3 +  // BaseFitOptions: components, which the model has; seed, threads
                                6 +  // GradientOptions: regularizers, seed, iteration, parameters, base, threads
                                3 +  // MatchingOptions: seed, tile, threads
                                2 +  // Schedule: learning_rate, iterations
                                14;  // TrainerOptions: frozen, validate_first, cpu_time, the draws, threads; directory and on
  // Structs that stand for the keys of their members: [data] has two, [model] three, [model.transforms] one, and so on.
  constexpr std::size_t structs = 2 + 3 + 1 + 2 + 2 + 3;
  constexpr std::size_t count = members<DataRecipe>() + members<SourceOptions>() + members<TableOptions>() +
                                members<TrainingDataOptions>() + members<ModelRecipe>() + members<MlpOptions>() +
                                members<BaseFitOptions>() + members<LayersRecipe>() + members<CouplingOptions>() +
                                members<GradientOptions>() + members<SolverOptions>() + members<TraceOptions>() +
                                members<ObjectiveRecipe>() + members<RegularizerWeights>() +
                                members<MatchingOptions>() + members<TrainerOptions>() + members<AdamOptions>() +
                                members<Schedule>() + members<SolverOptions>() - built - structs;
  EXPECT_EQ(recipe_keys().size(), count);
}

TEST(Recipe, KeysAreDescribed) {
  for (const auto& key : recipe_keys()) {
    EXPECT_FALSE(key.description.empty() || key.range.empty() || key.default_value.empty()) << key.key;
    EXPECT_THAT(key.description, Not(HasSubstr("\n")));
    EXPECT_EQ(with({key.key + "=" + key.default_value}), Recipe{}) << key.key << " = " << key.default_value;
  }
  EXPECT_EQ(recipe_keys().front().key, "data.source");
}

TEST(Recipe, CheckFindsWhatNoFileCouldHaveGiven) {
  Recipe r;
  r.gradient.solver.rtol = std::nan("");
  EXPECT_EQ(message([&] { check_recipe(r); }), "solver.rtol = nan: must be > 0");
  EXPECT_EQ(message([&] { to_toml(r); }), "solver.rtol = nan: must be > 0");
  r = {};
  r.objective.resize(2);
  r.objective[1].matching.coupling = static_cast<Coupling>(7);
  EXPECT_THAT(message([&] { check_recipe(r); }),
              StartsWith("objective.2.coupling = \"7\": must be one of independent, ot"));
  r = {}, r.train.seed = 1ull << 63;  // no integer of TOML
  EXPECT_THAT(message([&] { check_recipe(r); }), AllOf(StartsWith("train.seed = "), HasSubstr("must be >= 0")));
  r = {};
  r.objective.clear();
  EXPECT_THAT(message([&] { check_recipe(r); }), HasSubstr("one stage"));
}

TEST(Recipe, FileThatCannotBeReadIsNamed) {
  EXPECT_EQ(message([] { (void)read_recipe("/no/such.toml"); }), "/no/such.toml: cannot read: No such file or directory");
  EXPECT_THAT(message([] { (void)read_recipe("/tmp"); }), StartsWith("/tmp: cannot read: "));
}

TEST(Recipe, FileIsRead) {
  const auto path = std::filesystem::path(testing::TempDir()) / "recipe test.toml";
  std::ofstream(path) << "# a comment\n[train]\nbatch = 5\n";
  EXPECT_EQ(read_recipe(path.string()).train.batch, 5);
  std::ofstream(path) << "[train]\nbatch = 0\n";
  EXPECT_EQ(message([&] { (void)read_recipe(path.string()); }), path.string() + ":2: train.batch = 0: must be >= 1");
  std::ofstream(path) << "";
  EXPECT_EQ(read_recipe(path.string()), Recipe{});
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace pathline
