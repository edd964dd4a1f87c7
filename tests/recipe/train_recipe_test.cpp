#include "pathline/recipe/train_recipe.hpp"

#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/checkpoint/training_state.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

class TrainRecipe : public Scratch {
 protected:
  // A small run: what it does, not how well it fits.
  static Recipe small() {
    Recipe r;
    r.data.source = "moons", r.data.reading.validation_size = r.data.reading.test_size = 100;
    r.model.network.hidden = {8};
    r.gradient.solver.rtol = r.gradient.solver.atol = 1e-3;
    r.train.iterations = 20, r.train.evaluate_every = 5;
    return r;
  }
  std::string digest_of(const std::string& model) const {
    return Hdf5File::open(file(model)).attribute<std::string>("digest");
  }
};

// The file of a run says what the run is; the recipe that began it continues it.
TEST_F(TrainRecipe, AutomaticWidthsAreWrittenAsNumbers) {
  std::string rows = "a,b,c\n";
  for (int i = 0; i < 40; ++i)
    rows += std::to_string(i % 7) + ".5," + std::to_string(i % 5) + "," + std::to_string(i) + "\n";
  put("table.csv", rows);
  Recipe r = small();
  r.data.source = file("table.csv"), r.model.network.hidden = ModelRecipe{}.network.hidden, r.train.iterations = 2;
  train_recipe(r, {.directory = file("run")});
  const auto widths = parse_recipe(read_card(file("run/model.h5")).recipe, "the model").model.network.hidden;
  EXPECT_EQ(widths, (std::vector<Index>{96, 96}));
  r.train.iterations = 4;
  EXPECT_EQ(train_recipe(r, {.directory = file("run"), .resume = true}).iterations, 4);
}

// --force took the old run's files away, and then the data was found not to be there.
TEST_F(TrainRecipe, AReplacementThatCannotBeginLeavesTheOldRun) {
  ASSERT_EQ(train_recipe(small(), {.directory = file("run")}).iterations, 20);
  const std::string model = get("run/model.h5"), last = get("run/last.h5"), metrics = get("run/metrics.jsonl");
  Recipe wrong = small();
  wrong.data.source = "typo.csv";
  EXPECT_THAT(message([&] { train_recipe(wrong, {.directory = file("run"), .replace = true}); }),
              HasSubstr("typo.csv"));
  wrong = small();
  wrong.model.field = FieldKind::potential, wrong.model.network.hidden = {8, 4};
  EXPECT_NE(message([&] { train_recipe(wrong, {.directory = file("run"), .replace = true}); }), "no error");
  EXPECT_EQ(get("run/model.h5"), model);
  EXPECT_EQ(get("run/last.h5"), last);
  EXPECT_EQ(get("run/metrics.jsonl"), metrics);
  Recipe other = small();
  other.train.iterations = 5;
  EXPECT_EQ(train_recipe(other, {.directory = file("run"), .replace = true}).iterations, 5);
  EXPECT_EQ(read_training_state(file("run/last.h5")).iteration, 5);
}

// It left a metrics.jsonl alone: train said that a run was there, --resume that none was.
TEST_F(TrainRecipe, ARunThatDiesBeforeItsFirstCheckpointGoesOn) {
  Recipe hard = small();
  hard.gradient.solver.max_steps = 1, hard.gradient.solver.rtol = hard.gradient.solver.atol = 1e-8;
  EXPECT_THAT(message<NumericalError>([&] { train_recipe(hard, {.directory = file("run")}); }),
              HasSubstr("step limit"));
  EXPECT_EQ(read_training_state(file("run/last.h5")).iteration, 0);
  EXPECT_EQ(train_recipe(small(), {.directory = file("run"), .resume = true}).iterations, 20);
  train_recipe(small(), {.directory = file("whole")});
  EXPECT_EQ(digest_of("run/last.h5"), digest_of("whole/last.h5"));
  std::filesystem::create_directory(file("lines"));
  put("lines/metrics.jsonl", "{}\n");
  EXPECT_EQ(train_recipe(small(), {.directory = file("lines")}).iterations, 20);
}

// kill -9 while last.h5 was written left a file for good.
TEST_F(TrainRecipe, TheTemporaryFilesOfADeadProcessGo) {
  std::filesystem::create_directory(file("run"));
  put("run/.last.h5.2147483646-0.part", "x"), put("run/.last.h5.1-0.part", "x"),
      put("run/.mine.2147483646-0.part", "x");
  train_recipe(small(), {.directory = file("run")});
  EXPECT_FALSE(std::filesystem::exists(file("run/.last.h5.2147483646-0.part")));
  EXPECT_TRUE(std::filesystem::exists(file("run/.last.h5.1-0.part")));        // of a process that lives
  EXPECT_TRUE(std::filesystem::exists(file("run/.mine.2147483646-0.part")));  // not of a run
}

// Another seed drew another split, so that test rows had been trained on; another model was silently the old one.
TEST_F(TrainRecipe, AResumedRunKeepsItsDataModelAndSeed) {
  train_recipe(small(), {.directory = file("run")});
  auto resumed = [&](const std::string& assignment) {
    Recipe recipe = small();
    recipe.train.iterations = 25;
    set(recipe, assignment);
    return message([&] { train_recipe(recipe, {.directory = file("run"), .resume = true}); });
  };
  EXPECT_EQ(resumed("train.seed=1"), "train.seed = 1: cannot change on resume (was 0)");
  EXPECT_EQ(resumed("model.hidden=16,16"), "model.hidden = [16, 16]: cannot change on resume (was [8])");
  EXPECT_EQ(resumed("data.source=rings"), "data.source = \"rings\": cannot change on resume (was \"moons\")");
  EXPECT_EQ(resumed("data.validation_size=50"), "data.validation_size = 50: cannot change on resume (was 100)");
  EXPECT_EQ(resumed("train.evaluate_every=7"), "no error");
  EXPECT_EQ(resumed("model.precision=double"), "no error");
}

TEST_F(TrainRecipe, AResumedRunKeepsItsTableWhichMayHaveMoved) {
  std::string rows = "a,b\n";
  for (int i = 0; i < 40; ++i) rows += std::to_string(i % 7) + "," + std::to_string(i * i % 11) + "\n";
  Recipe recipe = small();
  recipe.data.source = put("d.csv", rows);
  train_recipe(recipe, {.directory = file("run")});
  recipe.train.iterations = 25, recipe.data.source = put("moved.csv", rows);
  EXPECT_EQ(train_recipe(recipe, {.directory = file("run"), .resume = true}).iterations, 25);
  put("moved.csv", rows + "3,4\n");
  EXPECT_THAT(message([&] { train_recipe(recipe, {.directory = file("run"), .resume = true}); }),
              HasSubstr("moved.csv: the rows or columns differ from those with which the run of "));
}

// The solver's error named no iteration.
TEST_F(TrainRecipe, AFailedSolveNamesItsIteration) {
  Recipe recipe = small();
  recipe.train.adam.learning_rate = 1e30;
  const auto what = message<NumericalError>([&] { train_recipe(recipe, {.directory = file("run")}); });
  EXPECT_THAT(what, testing::StartsWith("iteration 2: "));
  EXPECT_THAT(what, HasSubstr("optimizer.learning_rate"));
  EXPECT_THAT(what, HasSubstr("run/last.h5"));
}

// Its loss was infinite at once, whatever the learning rate that the advice was to lower.
TEST_F(TrainRecipe, TheLikelihoodOfAUniformBaseIsRefused) {
  Recipe recipe = small();
  recipe.model.base = BaseKind::uniform;
  EXPECT_THAT(message([&] { train_recipe(recipe, {.directory = file("run")}); }), HasSubstr("flow_matching"));
  recipe.objective[0].kind = ObjectiveKind::flow_matching;
  EXPECT_EQ(train_recipe(recipe, {.directory = file("run")}).iterations, 20);
}

// A target without data whose validations are as told: what is added to the NLL of each.
struct Told {
  std::shared_ptr<Index> validations = std::make_shared<Index>(0);
  std::function<double(Index)> added;

  Target target() const {
    Target t;
    t.dim = 2;
    t.log_density = [seen = validations, add = added](ConstMatrixRef<double> x,
                                                      Matrix<double>* gradient) -> RowVector<double> {
      if (gradient) *gradient = -x / 0.25;
      const double more = gradient ? 0 : add((*seen)++);
      return -x.colwise().squaredNorm().array() / 0.5 - more;
    };
    return t;
  }
  static Recipe recipe(std::size_t stages) {
    Recipe r;
    r.data.reading.validation_size = r.data.reading.test_size = 100;
    r.model.network.hidden = {8};
    r.gradient.solver.rtol = r.gradient.solver.atol = 1e-3;
    r.objective.resize(stages);
    for (auto& stage : r.objective) stage.kind = ObjectiveKind::reverse_kl, stage.target = "user";
    r.train.ema = 0.9;
    r.train.evaluate_every = 5;
    return r;
  }
};

// The model was overwritten by the one whose validation was not finite, and patience began anew.
TEST_F(TrainRecipe, AValidationThatIsNotFiniteIsNeverTheBestAfterAFiniteOne) {
  const Told told{.added = [](Index k) { return k == 0 ? 0.0 : std::nan(""); }};
  Recipe recipe = Told::recipe(1);
  recipe.train.iterations = 40, recipe.train.patience = 2;
  const auto result = train_recipe(recipe, {.directory = file("run"), .target = told.target()});
  EXPECT_EQ(result.best_iteration, 5);
  EXPECT_TRUE(result.stopped_early);
  EXPECT_EQ(result.iterations, 15);
}

// Patience in the first stage ended the run.
TEST_F(TrainRecipe, PatienceEndsAStageAndTheNextBeginsBitwiseAsAfterAResume) {
  Recipe recipe = Told::recipe(2);
  recipe.train.iterations = 30, recipe.train.patience = 1, recipe.objective[0].iterations = 20;
  const auto worse = [](Index k) { return 1000.0 * static_cast<double>(k); };
  std::vector<Index> seen;
  const Told whole{.added = worse}, parts{.added = worse};
  const auto result = train_recipe(recipe, {.directory = file("whole"),
                                            .progress = [&](const TrainingProgress& p) { seen.push_back(p.iteration); },
                                            .target = whole.target()});
  EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 21, 22, 23, 24, 25));
  EXPECT_TRUE(result.stopped_early);
  int asked = 0;
  EXPECT_TRUE(train_recipe(
                  recipe, {.directory = file("parts"), .target = parts.target(), .stop = [&] { return ++asked == 10; }})
                  .interrupted);
  EXPECT_EQ(read_training_state(file("parts/last.h5")).iteration, 20);
  EXPECT_TRUE(
      train_recipe(recipe, {.directory = file("parts"), .resume = true, .target = parts.target()}).stopped_early);
  EXPECT_EQ(digest_of("whole/last.h5"), digest_of("parts/last.h5"));
  EXPECT_EQ(read_training_state(file("parts/last.h5")).theta, read_training_state(file("whole/last.h5")).theta);
}

// Each --resume of a run that patience had ended trained one iteration more.
TEST_F(TrainRecipe, AnEarlyStoppedRunStaysWhereItStoppedWhenResumed) {
  const Told told{.added = [](Index k) { return 1000.0 * static_cast<double>(k); }};
  Recipe recipe = Told::recipe(1);
  recipe.train.iterations = 40, recipe.train.patience = 1;
  ASSERT_EQ(train_recipe(recipe, {.directory = file("run"), .target = told.target()}).iterations, 10);
  const auto again = train_recipe(recipe, {.directory = file("run"), .resume = true, .target = told.target()});
  EXPECT_TRUE(again.stopped_early);
  EXPECT_EQ(again.iterations, 10);
  EXPECT_EQ(read_training_state(file("run/last.h5")).iteration, 10);
}

// No data at all: a target from C++, the report, and the run's files.
TEST_F(TrainRecipe, LearnsATargetOfOnesOwn) {
  Recipe recipe;
  recipe.model.network.hidden = {16, 16};
  recipe.objective[0].kind = ObjectiveKind::reverse_kl, recipe.objective[0].target = "user";
  recipe.gradient.solver.rtol = recipe.gradient.solver.atol = 1e-3;
  recipe.train.adam.learning_rate = 1e-2, recipe.train.clip = 1;
  recipe.train.iterations = 150, recipe.train.evaluate_every = 150;
  recipe.data.reading.validation_size = recipe.data.reading.test_size = 2000;
  Target gaussian;  // N(0, 0.25 I), without its constant
  gaussian.dim = 2, gaussian.log_z = std::log(2 * M_PI * 0.25);
  gaussian.log_density = [](ConstMatrixRef<double> x, Matrix<double>* gradient) -> RowVector<double> {
    if (gradient) *gradient = -x / 0.25;
    return -x.colwise().squaredNorm() / 0.5;
  };
  const std::string where = file("run");
  EXPECT_THROW(train_recipe(recipe, {.directory = where}), InputError);  // "user" without one
  const auto result = train_recipe(recipe, {.directory = where, .target = gaussian});
  EXPECT_LT(*result.test.kl, 0.02);  // from 1.6 at the start
  EXPECT_GT(*result.test.ess, 0.95);
  EXPECT_NEAR(*result.test.log_z, std::log(2 * M_PI * 0.25), 0.02);
  EXPECT_EQ(read_model<float>(where + "/model.h5").flow.dim(), 2);
}

}  // namespace
}  // namespace pathline
