#include "recipe/automatic.hpp"

#include <cmath>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "core/clock.hpp"
#include "message.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/train_recipe.hpp"
#include "recipe/choose_model.hpp"
#include "recipe/network_trial.hpp"
#include "recipe/train_ensemble.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

class Automatic : public Scratch {
 protected:
  // A column of two clusters and one of a long tail.
  std::string table(Index rows) {
    Engine engine = make_stream(1, "test.automatic");
    std::string text = "a,b\n";
    for (Index i = 0; i < rows; ++i) {
      const double u = uniform(engine);
      text += fmt::format("{},{}\n", (i % 2 ? 10 : 0) + normal(engine), std::tan(M_PI * (u - 0.5)));
    }
    return put(fmt::format("t{}.csv", rows), text);
  }
  Recipe automatic(const std::string& source, double seconds) {
    Recipe r;
    r.data.source = source, r.model.automatic = true, r.train.seconds = seconds;
    return r;
  }
  Recipe recipe_in(const std::string& model) { return parse_recipe(read_card(file(model)).recipe, model); }
  Vector<double> theta_of(const std::string& model) { return read_model<float>(file(model)).flow.theta(); }
};

// Every choice is a number in the recipe, which gives the run again, bit for bit.
TEST_F(Automatic, TheRecipeOfTheFilesIsTheSameRunSlow) {
  std::vector<std::string> notes;
  const auto result = train_recipe(
      automatic(table(1000), 4), {.directory = file("run"), .note = [&](const auto& text) { notes.push_back(text); }});
  EXPECT_TRUE(result.has_best);
  ASSERT_TRUE(result.yardstick);
  EXPECT_LT(result.test.nll, result.yardstick->gaussian_nll + 0.05);  // of the mapped columns, which are nearly normal
  EXPECT_LT(result.yardstick->excess, 0.02);
  EXPECT_THAT(fmt::format("{}", fmt::join(notes, "; ")), HasSubstr("mixture of 2"));
  const Recipe chosen = recipe_in("run/model.h5");
  EXPECT_FALSE(chosen.model.automatic);
  EXPECT_EQ(chosen.train.seconds, 0);
  EXPECT_TRUE(chosen.model.base_fit);
  EXPECT_TRUE(chosen.data.preparing.marginals);  // of a Cauchy distribution
  train_recipe(chosen, {.directory = file("again")});
  EXPECT_EQ(theta_of("run/model.h5"), theta_of("again/model.h5"));
  EXPECT_EQ(theta_of("run/last.h5"), theta_of("again/last.h5"));
  // A density with its marginal maps, as a file has it.
  const auto flow = read_model<float>(file("run/model.h5")).flow;
  EXPECT_EQ(flow.data_side.all<Marginals>().size(), 1);
  EXPECT_TRUE(flow.log_prob(Matrix<double>{{0, 1e9}, {1, 1}}).log_prob.allFinite());
}

// Ten rows gave KL 274.
TEST_F(Automatic, FewRowsAreNoNetwork) {
  std::vector<std::string> notes;
  const auto result = train_recipe(
      automatic(table(40), 60), {.directory = file("run"), .note = [&](const auto& text) { notes.push_back(text); }});
  EXPECT_EQ(result.iterations, 0);
  EXPECT_TRUE(result.has_best);
  EXPECT_LT(result.seconds, 20);
  const std::string all = fmt::format("{}", fmt::join(notes, "; "));
  EXPECT_THAT(all, HasSubstr("36 rows are few"));
  EXPECT_EQ(read_model<float>(file("run/model.h5")).flow.base->kind(), BaseKind::full_mixture);
  train_recipe(recipe_in("run/model.h5"), {.directory = file("again")});
  EXPECT_EQ(theta_of("run/model.h5"), theta_of("again/model.h5"));
}

// A busy machine let the mixtures take longer than the whole time, and the run ended with "train.time = -2: must be >= 0".
TEST_F(Automatic, AChoiceThatTakesLongerThanTheTimeIsNoErrorSlow) {
  for (const double seconds : {1e-6, 1e-3, 0.05}) {
    const auto result =
        train_recipe(automatic(table(1000), seconds), {.directory = file(fmt::format("run{}", seconds))});
    EXPECT_TRUE(result.has_best) << seconds;
    EXPECT_TRUE(std::isfinite(result.test.nll)) << seconds;
  }
}

TEST_F(Automatic, AStoppedRunContinuesWithWhatWasChosen) {
  Recipe recipe = automatic(table(1000), 30);
  Index iterations = 0;
  const auto stopped = train_recipe(recipe, {.directory = file("run"), .stop = [&] { return ++iterations > 5; }});
  EXPECT_TRUE(stopped.interrupted);
  recipe = recipe_of_run(file("run"));
  EXPECT_FALSE(recipe.model.automatic);
  const auto base = read_model<float>(file("run/last.h5")).flow.base->theta();
  recipe.train.seconds = 0, recipe.train.iterations = 8, recipe.train.evaluate_every = 4;
  EXPECT_EQ(train_recipe(recipe, {.directory = file("run"), .resume = true}).iterations, 8);
  EXPECT_EQ(read_model<float>(file("run/last.h5")).flow.base->theta(), base);
}

// y given x has two branches; x itself, of two clusters, is not modelled.
TEST_F(Automatic, AConditionalDensityBeginsAtTheConditionalOfAMixtureSlow) {
  Engine engine = make_stream(3, "test.automatic");
  std::string text = "y,x\n";
  for (Index i = 0; i < 3000; ++i) {
    const double x = (i % 3 ? 2 : -2) + normal(engine);
    text += fmt::format("{},{}\n", (uniform(engine) < 0.5 ? 1 : -1) * (6 + x) + 0.2 * normal(engine), x);
  }
  Recipe recipe = automatic(put("c.csv", text), 4);
  recipe.data.reading.condition = {"x"};
  const auto result = train_recipe(recipe, {.directory = file("run")});
  const double entropy = 0.5 * std::log(2 * M_PI * M_E) + std::log(0.2) + std::log(2.0);
  EXPECT_NEAR(result.test.nll, entropy, 0.03 + 3 * result.test.nll_error);
  ASSERT_TRUE(result.yardstick);
  EXPECT_LT(result.yardstick->excess, 0.02);
  EXPECT_GT(result.yardstick->gaussian_nll, entropy + 0.5);
  const Recipe chosen = recipe_in("run/model.h5");
  EXPECT_EQ(chosen.model.base, BaseKind::conditional_mixture);
  train_recipe(chosen, {.directory = file("again")});
  EXPECT_EQ(theta_of("run/model.h5"), theta_of("again/model.h5"));
  // Normalized under conditions where there are rows and where there are few.
  const auto flow = read_model<double>(file("run/model.h5")).flow;
  const Index n = 4000;
  const RowVector<double> y = RowVector<double>::LinSpaced(n, -30, 30);
  for (const double x : {-3.0, 0.0, 4.0}) {
    const RowVector<double> p = flow.log_prob(y, Matrix<double>::Constant(1, n, x)).log_prob.array().exp();
    EXPECT_NEAR(p.sum() * (y[1] - y[0]), 1, 1e-3) << x;  // the tolerance of the evaluation
  }
}

TEST_F(Automatic, ABaseIsFittedOnlyAsAFullMixtureUnderAnMlp) {
  Recipe r = automatic(table(100), 0);
  r.model.automatic = false, r.model.base_fit = true, r.train.iterations = 1;
  EXPECT_EQ(message([&] { train_recipe(r, {.directory = file("a")}); }),
            "model.base_fit needs model.base = full_mixture");
  r.model.base = BaseKind::full_mixture, r.model.field = FieldKind::potential;
  EXPECT_EQ(message([&] { train_recipe(r, {.directory = file("b")}); }), "model.base_fit needs model.field = mlp");
  r.model.field = FieldKind::mlp, r.data.reading.condition = {"a"};
  EXPECT_EQ(message([&] { train_recipe(r, {.directory = file("e")}); }),
            "model.base_fit needs model.base = conditional_mixture");
  r.data.reading.condition = {}, r.data.source = "moons";
  EXPECT_THAT(message([&] { train_recipe(r, {.directory = file("c")}); }), HasSubstr("only the rows of a table"));
  EXPECT_THAT(message([&] { train_recipe(automatic(table(100), 0), {.directory = file("d")}); }),
              HasSubstr("train.time"));
}

// A mixture that is fine enough learns the rows by heart, and no network above it gains; one above a Gaussian may.
TEST_F(Automatic, ANetworkAboveOneGaussianIsARunOfItsOwnSlow) {
  Engine engine = make_stream(7, "test.automatic");
  std::string text = "a,b\n";
  for (Index i = 0; i < 1000; ++i) {
    const double a = normal(engine);
    text += fmt::format("{},{}\n", a, a * a + 0.3 * normal(engine));
  }
  const Recipe asked = automatic(put("banana.csv", text), 2);
  auto choice = choose_automatically(asked, build_data(asked), 2, 1);
  ASSERT_TRUE(choice.mixture);
  EXPECT_GT(choice.base->components(), 1);
  auto other = above_gaussian(choice, 1);
  EXPECT_EQ(other.base->components(), 1);
  EXPECT_EQ(other.recipe.model.base_components, 1);
  EXPECT_TRUE(other.recipe.model.base_fit);
  EXPECT_EQ(other.recipe.data.preparing.marginals, choice.recipe.data.preparing.marginals);
  EXPECT_EQ(other.yardstick->mixture.components(), choice.base->components());
  EXPECT_FALSE(other.mixture);
  // It moves far from its base: below one Gaussian, which is the first validation.
  other.recipe.train.seconds = 0, other.recipe.train.iterations = 120, other.recipe.train.evaluate_every = 40;
  const auto result = train_recipe(other.recipe, {.directory = file("run")});
  EXPECT_GT(result.best_iteration, 0);
  EXPECT_LT(result.test.nll, result.yardstick->gaussian_nll - 0.1);
  train_recipe(recipe_in("run/model.h5"), {.directory = file("again")});
  EXPECT_EQ(theta_of("run/model.h5"), theta_of("again/model.h5"));
  EXPECT_FALSE(is_ahead(0.01));
  EXPECT_TRUE(is_ahead(0.3));
}

// Of three columns such a network is a chain of couplings, of which several are trained where one would learn the rows
// by heart.
TEST_F(Automatic, SplineCouplingsAboveOneGaussianAreAnEnsembleSlow) {
  Engine engine = make_stream(8, "test.automatic");
  std::string text = "a,b,c\n";
  for (Index i = 0; i < 1000; ++i) {
    const double a = normal(engine), b = std::sin(2 * a) + 0.2 * normal(engine);
    text += fmt::format("{},{},{}\n", a, b, std::sin(2 * b) + 0.2 * normal(engine));
  }
  const Recipe asked = automatic(put("sines.csv", text), 3);
  const auto choice = choose_automatically(asked, build_data(asked), 3, 1);
  auto other = above_gaussian(choice, 1);
  EXPECT_EQ(other.recipe.model.blocks, 0);
  EXPECT_EQ(name_of_network(other.recipe), "a chain of 6 spline couplings of 64, 64");
  // 60 passes through the rows in 5 s are enough for two members in 6 s, and too many for three.
  set_members(other, {.seconds = 5, .best_seconds = 5, .epochs = 60}, 6);
  ASSERT_EQ(other.recipe.model.ensemble, 2);
  EXPECT_EQ(other.recipe.train.seconds, 6);
  other.recipe.train.seconds = 0, other.recipe.train.iterations = 200;
  const auto result = train_recipe(other.recipe, {.directory = file("run")});
  ASSERT_TRUE(result.yardstick);
  EXPECT_LT(result.test.nll, result.yardstick->gaussian_nll - 0.1);
  const Recipe member = recipe_in("run/member-2/model.h5");
  EXPECT_EQ(member.train.seconds, 0);
  train_recipe(member, {.directory = file("again")});
  EXPECT_EQ(theta_of("run/member-2/model.h5"), theta_of("again/model.h5"));
  // The recipe whose choice this was continues it; there is nothing left to do.
  const auto digest = read_card(file("run/model.h5")).digest;
  train_recipe(asked, {.directory = file("run"), .resume = true});
  EXPECT_EQ(read_card(file("run/model.h5")).digest, digest);
}

// The mixture beside the networks is the first member, and the validation rows weigh them.
TEST_F(Automatic, TheMixtureStandsBesideTheNetworksSlow) {
  Engine engine = make_stream(9, "test.automatic");
  std::string text = "a,b,c\n";
  for (Index i = 0; i < 1000; ++i) {
    const double a = normal(engine), b = std::sin(2 * a) + 0.2 * normal(engine);
    text += fmt::format("{},{},{}\n", a, b, normal(engine) * std::exp(b));
  }
  const Recipe asked = automatic(put("t.csv", text), 3);
  const auto data = build_data(asked);
  const auto choice = choose_automatically(asked, data, 3, 1);
  auto networks = above_gaussian(choice, 1);
  EXPECT_TRUE(networks.recipe.data.preparing.marginals);  // brings the tail of c into the box of the couplings
  add_mixture(networks, choice, 0, 1);
  set_members(networks, {.seconds = 5, .best_seconds = 5, .epochs = 60}, 3);
  ASSERT_EQ(networks.recipe.model.ensemble, 2);  // the mixture, and one chain of couplings
  ASSERT_TRUE(networks.beside);
  EXPECT_EQ(networks.beside->train.iterations, 0);
  std::vector<std::string> notes;
  const TrainMember member = [](const Recipe& recipe, const TrainingOptions& options, std::shared_ptr<const DataSource>,
                                bool, const GaussianMixture*) {
    Recipe quick = recipe;
    quick.train.seconds = 0, quick.train.iterations = std::min<Index>(recipe.train.iterations, 200);
    return train_recipe(quick, options);
  };
  const EnsembleStart start{open_source(asked), networks.yardstick, networks.beside};
  const auto result = train_ensemble<float>(
      networks.recipe, {.directory = file("run"), .note = [&](const auto& note) { notes.push_back(note); }}, member,
      start);
  const auto model = read_model<float>(file("run/model.h5")).flow;
  ASSERT_TRUE(model.members());
  const auto& first = model.members()->members().front();
  const auto& test = data.test();
  // The first member is the mixture that was chosen, refitted from its recipe.
  const RowVector<double> mixture = log_density(*networks.yardstick, test);
  EXPECT_LT((first.log_prob(test.x, test.c).log_prob - mixture).cwiseAbs().maxCoeff(), 1e-3);
  EXPECT_EQ(result.yardstick->components, networks.yardstick->mixture.components());
  EXPECT_GT(model.members()->weights().minCoeff(), 0);
  EXPECT_NE(model.members()->weights()[0], 0.5);
  EXPECT_THAT(fmt::format("{}", fmt::join(notes, "; ")), HasSubstr("of the mixture, "));
  // It goes on from the files, without what the choice knew, to the same model.
  const auto digest = read_card(file("run/model.h5")).digest;
  std::filesystem::remove(file("run/model.h5"));
  train_ensemble<float>(networks.recipe, {.directory = file("run"), .resume = true}, member);
  EXPECT_EQ(read_card(file("run/model.h5")).digest, digest);
  // A run that takes its place keeps nothing of it.
  train_recipe(recipe_in("run/member-2/model.h5"), {.directory = file("run"), .replace = true});
  EXPECT_FALSE(std::filesystem::exists(file("run/mixture.toml")));
  // A run that was killed before it had more than this file is one, and nobody's file of this name is removed.
  std::filesystem::create_directory(file("killed"));
  put("killed/mixture.toml", "");
  EXPECT_THAT(message([&] { train_recipe(asked, {.directory = file("killed")}); }),
              HasSubstr("mixture.toml: this directory already contains a run"));
  EXPECT_TRUE(std::filesystem::exists(file("killed/mixture.toml")));
}

// From three columns on: what needs an ODE, or the options of one, keeps its continuous flow.
TEST_F(Automatic, OptionsOfAnOdeKeepTheContinuousFlow) {
  Recipe plain;
  EXPECT_FALSE(learns_by_couplings(plain, 2));
  EXPECT_TRUE(learns_by_couplings(plain, 3));
  Recipe kinetic = plain, steered = plain, matched = plain, normed = plain;
  kinetic.objective[0].regularizers.kinetic = 0.01, steered.objective[0].steer = 0.3;
  matched.objective[0].kind = ObjectiveKind::flow_matching, normed.model.batch_norm = true;
  for (const auto* recipe : {&kinetic, &steered, &matched, &normed}) EXPECT_FALSE(learns_by_couplings(*recipe, 3));
}

// The trial of a network was given a negative time where the mixtures had taken all of it, and the run ended with an
// error.
TEST_F(Automatic, TheTimeMayBeOverBeforeANetworkIsTried) {
  Engine engine = make_stream(10, "test.automatic");
  std::string text = "a,b,c\n";
  for (Index i = 0; i < 600; ++i) text += fmt::format("{},{},{}\n", normal(engine), normal(engine), normal(engine));
  const Recipe asked = automatic(put("late.csv", text), 1);
  const auto data = build_data(asked);
  for (const double late : {0.0, 0.5, 0.9, 1.1, 100.0}) {
    const auto choice = choose_model<float>(asked, data, seconds_now() - late, {}, true);
    EXPECT_FALSE(choice.recipe.model.automatic) << late;
    EXPECT_GE(choice.recipe.train.seconds, 0) << late;
  }
  // The same from the table to the files.
  const auto result = train_recipe(automatic(file("late.csv"), 0.6), {.directory = file("run")});
  EXPECT_TRUE(result.has_best);
  EXPECT_TRUE(std::filesystem::exists(file("run/model.h5")));
}

TEST_F(Automatic, AnEnsembleNeedsTheTimeForItsMembers) {
  AutomaticChoice choice{automatic("t.csv", 60), TrainingData::none(3, 0), {}, {}, {}};
  const auto members = [&](const Trial& trial, double seconds) {
    auto of = choice;
    of.recipe.model.blocks = 0;
    set_members(of, trial, seconds);
    return of.recipe.model.ensemble;
  };
  EXPECT_EQ(members({.seconds = 10, .best_seconds = 10, .epochs = 60}, 100), 4);
  EXPECT_EQ(members({.seconds = 10, .best_seconds = 10, .epochs = 60}, 10.5), 2);
  EXPECT_EQ(members({.seconds = 10, .best_seconds = 10, .epochs = 60}, 9), 1);
  EXPECT_EQ(members({.seconds = 10, .best_seconds = 10, .epochs = 3}, 100), 1);  // it still learns
  EXPECT_EQ(members({.seconds = 10, .best_seconds = 4, .epochs = 300}, 17), 2);  // it was best after 4 s
  EXPECT_EQ(members({}, 100), 1);
  choice.beside = choice.recipe;
  EXPECT_EQ(members({.seconds = 10, .best_seconds = 10, .epochs = 60}, 10.5), 3);  // the mixture beside them
  EXPECT_EQ(members({}, 100), 2);
  choice.beside.reset();
  choice.recipe.model.blocks = 1;
  set_members(choice, {.seconds = 10, .best_seconds = 10, .epochs = 60}, 100);
  EXPECT_EQ(choice.recipe.model.ensemble, 1);  // a continuous flow in two columns
}

}  // namespace
}  // namespace pathline
