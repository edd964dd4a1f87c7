// Training an ensemble: its members, its budget, and what happens when it is stopped.
#include <chrono>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/log_sum_exp.hpp"
#include "message.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/train_recipe.hpp"
#include "scratch.hpp"
#include "train/metrics_line.hpp"
#include "train/run_directory.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Ensemble : public Scratch {
 protected:
  // A small run: what it does, not how well it fits.
  static Recipe small(Index members) {
    Recipe r;
    r.data.source = "moons", r.data.reading.validation_size = r.data.reading.test_size = 100;
    r.model.network.hidden = {8}, r.model.ensemble = members;
    r.gradient.solver.rtol = r.gradient.solver.atol = 1e-3;
    r.train.iterations = 20, r.train.evaluate_every = 5, r.train.checkpoint_every = 4;
    r.train.schedule.kind = Schedule::Kind::constant;
    return r;
  }
  // Two bounded, weighted columns of clusters, and a condition.
  std::string table(Index rows) const {
    Engine engine = make_stream(1, "test.ensemble");
    std::string text = "a,b,c,w\n";
    for (Index i = 0; i < rows; ++i) {
      const double c = normal(engine);
      text += fmt::format("{},{},{},{}\n", (i % 2 ? 10 : 0) + normal(engine), std::exp(c + 0.3 * normal(engine)), c,
                          0.5 + uniform(engine));
    }
    return put(fmt::format("t{}.csv", rows), text);
  }
  // The last line is that of the ensemble.
  static std::vector<Index> iterations_in_metrics(const std::string& run) {
    std::vector<Index> out;
    for (const auto& line : RunDirectory(run).metrics_lines())
      out.push_back(static_cast<Index>(metric(read_metrics_line(line), "iteration")));
    return out;
  }
  std::string digest_of(const std::string& model) const {
    return Hdf5File::open(file(model)).attribute<std::string>("digest");
  }
};

TEST_F(Ensemble, TheModelIsTheMixtureOfItsMembersRunsSlow) {
  const auto result = train_recipe(small(3), {.directory = file("run")});
  EXPECT_TRUE(result.has_best);
  EXPECT_EQ(result.iterations, 60);
  const auto model = read_model<float>(file("run/model.h5"));
  ASSERT_TRUE(model.flow.members());
  const auto data = build_data(small(3));
  Matrix<double> joint(3, 100);
  for (Index k = 0; k < 3; ++k) {
    const auto member = read_model<float>(file(fmt::format("run/member-{}/model.h5", k + 1)));
    joint.row(k) = member.flow.log_prob(data.test().x, Matrix<double>(0, 0), {.solver = model.card.evaluation}).log_prob;
    EXPECT_EQ(member.card.recipe, model.card.members[static_cast<std::size_t>(k)]);
    const auto recipe = parse_recipe(member.card.recipe, "member");
    EXPECT_EQ(recipe.model.member, k);
    EXPECT_EQ(recipe.model.ensemble, 1);
  }
  EXPECT_FALSE(joint.row(0).isApprox(joint.row(1), 1e-3));  // other weights, other batches
  RowVector<double> expected(100);
  for (Index b = 0; b < 100; ++b) expected[b] = log_sum_exp(joint.col(b).array()) - std::log(3);
  const auto got = model.flow.log_prob(data.test().x, Matrix<double>(0, 0), {.solver = model.card.evaluation}).log_prob;
  EXPECT_LT((got - expected).cwiseAbs().maxCoeff(), 1e-12);  // rounding
  EXPECT_NEAR(result.test.nll, -expected.mean(), 1e-12);
  ASSERT_TRUE(model.card.trained);
  EXPECT_NEAR(model.card.trained->nll, result.validation.nll, 1e-12);
  EXPECT_EQ(parse_recipe(model.card.recipe, "model").model.ensemble, 3);
  // The first member is the run without an ensemble, and the recipe of another gives that member again.
  train_recipe(small(1), {.directory = file("one")});
  EXPECT_EQ(digest_of("one/model.h5"), digest_of("run/member-1/model.h5"));
  train_recipe(parse_recipe(model.card.members[2], "member"), {.directory = file("third")});
  EXPECT_EQ(digest_of("third/model.h5"), digest_of("run/member-3/model.h5"));
}

TEST_F(Ensemble, StoppedAnywhereItContinuesToTheSameModelSlow) {
  train_recipe(small(2), {.directory = file("whole")});
  for (const Index after : {1, 11, 19, 20, 27, 39}) {
    Index asked = 0;  // before each member and after each of its 20 iterations
    const std::string run = file(fmt::format("run{}", after));
    const auto stopped = train_recipe(small(2), {.directory = run, .stop = [&] { return ++asked >= after; }});
    EXPECT_TRUE(stopped.interrupted);
    EXPECT_EQ(stopped.iterations, after - (after > 21 ? 2 : 1));
    EXPECT_FALSE(fs::exists(run + "/model.h5"));
    const auto result = train_recipe(recipe_of_run(run), {.directory = run, .resume = true});
    EXPECT_FALSE(result.interrupted);
    EXPECT_EQ(result.iterations, 40);
    EXPECT_EQ(digest_of(fmt::format("run{}/model.h5", after)), digest_of("whole/model.h5")) << after;
    EXPECT_EQ(iterations_in_metrics(run), iterations_in_metrics(file("whole"))) << after;
  }
  // A run that ended can be made longer.
  Recipe longer = recipe_of_run(file("whole"));
  longer.train.iterations = 24;
  EXPECT_EQ(train_recipe(longer, {.directory = file("whole"), .resume = true}).iterations, 48);
  EXPECT_THAT(iterations_in_metrics(file("whole")), testing::ElementsAre(5, 10, 15, 20, 24, 29, 34, 39, 44, 48, 48));
}

// A killed run may have written validations that come after the last checkpoint of its member.
TEST_F(Ensemble, AKilledRunRepeatsNoLineOfItsMetricsSlow) {
  train_recipe(small(2), {.directory = file("whole")});
  Index asked = 0;
  train_recipe(small(2), {.directory = file("run"), .stop = [&] { return ++asked >= 27; }});
  for (const char* metrics : {"run/metrics.jsonl", "run/member-2/metrics.jsonl"})
    put(metrics, get(metrics) + R"({"iteration":25,"validation_nll":9,"best":false,"seconds":1})" + "\n{\"itera");
  train_recipe(recipe_of_run(file("run")), {.directory = file("run"), .resume = true});
  EXPECT_EQ(iterations_in_metrics(file("run")), iterations_in_metrics(file("whole")));
}

TEST_F(Ensemble, WhatCannotChangeIsSaid) {
  Recipe r = small(2);
  train_recipe(r, {.directory = file("run")});
  r.train.seconds = 30;
  EXPECT_THAT(message([&] { train_recipe(r, {.directory = file("run"), .resume = true}); }),
              HasSubstr("train.time = 30.0: cannot change on resume of an ensemble"));
  r.train.seconds = 0, r.train.iterations = 25;
  EXPECT_EQ(train_recipe(r, {.directory = file("run"), .resume = true}).iterations, 50);
  EXPECT_EQ(read_recipe(file("run/ensemble.toml")).train.iterations, 25);
  r.model.ensemble = 3;
  EXPECT_THAT(message([&] { train_recipe(r, {.directory = file("run"), .resume = true}); }),
              HasSubstr("model.ensemble = 3: cannot change on resume (was 2)"));
  EXPECT_THAT(message([&] { train_recipe(small(1), {.directory = file("run"), .resume = true}); }),
              HasSubstr("model.ensemble = 1: cannot change on resume (was 2)"));
  EXPECT_THAT(message([&] { train_recipe(small(1), {.directory = file("run")}); }), HasSubstr("already contains a run"));
  r = small(2), r.model.member = 1;
  EXPECT_THAT(message([&] { train_recipe(r, {.directory = file("other")}); }), HasSubstr("model.member"));
  train_recipe(small(1), {.directory = file("one")});
  EXPECT_THAT(message([&] { train_recipe(small(2), {.directory = file("one")}); }), HasSubstr("already contains a run"));
  EXPECT_THAT(message([&] { train_recipe(small(2), {.directory = file("one"), .resume = true}); }),
              HasSubstr("model.ensemble = 2: cannot change on resume (was 1)"));
}

TEST_F(Ensemble, AReplacedRunLeavesNothingBehindSlow) {
  train_recipe(small(3), {.directory = file("run")});
  Recipe wrong = small(2);
  wrong.data.source = "typo.csv";
  EXPECT_THAT(message([&] { train_recipe(wrong, {.directory = file("run"), .replace = true}); }), HasSubstr("typo.csv"));
  EXPECT_TRUE(fs::exists(file("run/member-3/model.h5")));  // what cannot begin replaces nothing
  put("run/member-3/mine.txt", "mine");
  train_recipe(small(2), {.directory = file("run"), .replace = true});
  EXPECT_FALSE(fs::exists(file("run/member-3/model.h5")));
  EXPECT_TRUE(fs::exists(file("run/member-3/mine.txt")));
  EXPECT_EQ(read_model<float>(file("run/model.h5")).flow.members()->components(), 2);
  train_recipe(small(1), {.directory = file("run"), .replace = true});
  EXPECT_FALSE(fs::exists(file("run/ensemble.toml")));
  EXPECT_FALSE(fs::exists(file("run/member-1")));
  EXPECT_FALSE(read_model<float>(file("run/model.h5")).flow.members());
}

TEST_F(Ensemble, BoundsWeightsAndConditionsGoThrough) {
  Recipe r = small(2);
  r.data.source = table(300), r.data.reading.condition = {"c"}, r.data.reading.weights = "w", r.data.bounds = {"b=0:"};
  r.data.reading.discrete = {};
  const auto result = train_recipe(r, {.directory = file("run")});
  EXPECT_TRUE(result.yardstick);
  const auto model = read_model<float>(file("run/model.h5"));
  EXPECT_EQ(model.card.columns, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(model.card.condition_columns, std::vector<std::string>{"c"});
  EXPECT_EQ(model.card.condition_range.rows(), 1);
  const auto log_p = model.flow.log_prob(Matrix<double>{{1, 1}, {-0.5, 0.5}}, Matrix<double>{{0, 0}}).log_prob;
  EXPECT_TRUE(std::isinf(log_p[0]));
  EXPECT_TRUE(std::isfinite(log_p[1]));
  const auto data = build_data(parse_recipe(model.card.members[0], "member"));
  const auto got = model.flow.log_prob(data.test().x, data.test().c, {.solver = model.card.evaluation}).log_prob;
  EXPECT_NEAR(result.test.nll, -got.dot(data.test_weights()) / data.test_weights().sum(), 1e-12);
}

TEST_F(Ensemble, OfATargetItsDrawsAreWeighted) {
  Recipe r = small(2);
  r.data.source.clear(), r.objective[0].kind = ObjectiveKind::reverse_kl, r.objective[0].target = "funnel";
  const auto result = train_recipe(r, {.directory = file("run")});
  ASSERT_TRUE(result.test.ess);
  EXPECT_EQ(read_model<float>(file("run/model.h5")).flow.members()->components(), 2);
}

// To estimate the time left, one iteration of each later stage is tried, within the time; members tried them unseen.
TEST_F(Ensemble, TheTimeLeftIsEstimatedOnlyForWhoSeesIt) {
  Recipe r = small(2);
  r.data.source.clear(), r.objective.resize(2), r.objective[0].iterations = 10;
  for (auto& stage : r.objective) stage.kind = ObjectiveKind::reverse_kl, stage.target = "user";
  const auto gradients = [&](const std::string& run, std::function<void(const TrainingProgress&)> progress) {
    Index count = 0;
    Target t;
    t.dim = 2;
    t.log_density = [&](ConstMatrixRef<double> x, Matrix<double>* gradient) -> RowVector<double> {
      if (gradient) *gradient = -x, ++count;
      return -0.5 * x.colwise().squaredNorm();
    };
    train_recipe(r, {.directory = file(run), .progress = std::move(progress), .target = t});
    return count;
  };
  const Index unseen = gradients("unseen", nullptr);
  EXPECT_EQ(gradients("seen", [](const TrainingProgress&) {}), unseen + 2);  // one for each member
  EXPECT_EQ(unseen, 40);
}

// A line of the metrics that could not be written was lost, and a model that could not be written lost the run.
TEST_F(Ensemble, FilesThatCannotBeWrittenForAWhileAreWrittenLaterSlow) {
  train_recipe(small(2), {.directory = file("whole")});
  const std::string metrics = file("run/metrics.jsonl"), model = file("run/model.h5");
  std::vector<std::string> notes;
  const auto progress = [&](const TrainingProgress& p) {
    if (p.iteration == 7) {
      fs::remove(metrics), fs::create_directory(metrics);  // with the validation at 5
      fs::create_directory(model);
    }
    if (p.iteration == 27) fs::remove(metrics);
  };
  const auto note = [&](const std::string& text) {
    if (text.find("cannot write") != std::string::npos) notes.push_back(text);
    if (text.starts_with(model)) fs::remove(model);
  };
  const auto result = train_recipe(small(2), {.directory = file("run"), .progress = progress, .note = note});
  EXPECT_TRUE(result.has_best);
  ASSERT_FALSE(notes.empty());
  EXPECT_EQ(notes.front(), metrics + ": cannot write: Is a directory; the run goes on and writes it again later");
  EXPECT_EQ(notes.back(), model + ": cannot write: Is a directory; the run goes on and writes it again later");
  EXPECT_EQ(iterations_in_metrics(file("run")), iterations_in_metrics(file("whole")));
  EXPECT_EQ(digest_of("run/model.h5"), digest_of("whole/model.h5"));
}

// The members share the time; each one's choice is in its recipe.
TEST_F(Ensemble, TheAutomaticChoiceEndsInItsTimeSlow) {
  Recipe r;
  r.data.source = table(1200), r.data.reading.columns = {"a", "b"};
  r.model.automatic = true, r.train.seconds = 12, r.model.ensemble = 3;
  std::vector<std::string> notes;
  const auto began = std::chrono::steady_clock::now();
  const auto result = train_recipe(r, {.directory = file("run"), .note = [&](const auto& t) { notes.push_back(t); }});
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  EXPECT_LT(took, 1.25 * 12);  // the machine is not alone
  EXPECT_TRUE(result.has_best);
  const auto card = read_card(file("run/model.h5"));
  ASSERT_EQ(card.members.size(), 3);
  for (const auto& text : card.members) EXPECT_FALSE(parse_recipe(text, "member").model.automatic);
  EXPECT_THAT(fmt::format("{}", fmt::join(notes, "; ")), HasSubstr("of the 3 members alone is"));
  ASSERT_TRUE(result.yardstick);
  EXPECT_LT(result.yardstick->excess, 0.05);
}

// Few rows leave the choice of a model to chance.
TEST_F(Ensemble, OfFewRowsItIsNoWorseThanItsMembersSlow) {
  Recipe r;
  r.data.source = table(60), r.data.reading.columns = {"a", "b"};
  r.model.automatic = true, r.train.seconds = 30, r.model.ensemble = 4;
  const auto result = train_recipe(r, {.directory = file("run")});
  EXPECT_EQ(result.iterations, 0);
  const auto data = build_data(r);
  double mean = 0;
  for (int k = 1; k <= 4; ++k)
    mean -= read_model<float>(file(fmt::format("run/member-{}/model.h5", k))).flow.log_prob(data.test().x).log_prob.mean() / 4;
  EXPECT_LE(result.test.nll, mean + 1e-6);  // Jensen's inequality, up to the solver's step
}

}  // namespace
}  // namespace pathline
