#include "pathline/train/trainer.hpp"

#include <chrono>
#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/checkpoint/training_state.hpp"
#include "pathline/core/error.hpp"
#include "pathline/field/autodiff_field.hpp"
#include "pathline/field/mlp.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// dz/dt = exp(log_rate) (mu - z), a field of the user's own.
struct Relax {
  template <class T>
  void operator()(const T&, const Vector<T>& z, const Vector<T>&, const Vector<T>& theta, Vector<T>& f) const {
    f = exp(theta[0]) * (theta.tail(z.size()) - z);
  }
};

std::shared_ptr<VectorField<double>> relaxation_field(Index dim, const std::string& rate = "log_rate") {
  return make_field<double>(Relax{}, dim, {{rate, 0.0}, {"mu", Matrix<double>(Matrix<double>::Zero(dim, 1))}});
}

Flow<double> relaxation(Index dim) { return Flow<double>(Cnf<double>(relaxation_field(dim))); }

template <class S> Flow<S> small_mlp(Index dim, Index condition_dim = 0) {
  auto field = std::make_shared<Mlp<S>>(MlpOptions{.dim = dim, .condition_dim = condition_dim, .hidden = {8}});
  Engine engine = make_stream(1, "test.weights");
  field->initialize(engine);
  return Flow<S>(Cnf<S>(field));
}

Matrix<double> standard_normal_draws(Index rows, Index cols, std::uint64_t seed = 0) {
  Engine engine = make_stream(seed, "test.data");
  Matrix<double> x(rows, cols);
  fill_normal<double>(engine, x);
  return x;
}

TrainerOptions quick(Index iterations = 20) {
  return {.iterations = iterations, .batch = 32, .evaluate_every = 5, .evaluation = {.solver = {.steps = 10}}};
}

class TrainerOf : public Scratch {};

// A Gaussian of mean (3, -1) and scale (0.5, 2): its NLL is its entropy where the fit is right.
TEST_F(TrainerOf, AMatrixIsFittedFromCppAndNothingIsWritten) {
  Matrix<double> x = standard_normal_draws(2, 4000);
  x = (x.array().colwise() * Eigen::Array2d(0.5, 2)).matrix().colwise() + Eigen::Vector2d(3, -1);
  const auto here = std::filesystem::directory_iterator(std::filesystem::current_path());
  const auto files = std::distance(begin(here), end(here));
  Trainer<double> trainer(small_mlp<double>(2), matrix_data(x), maximum_likelihood<double>(),
                          {.iterations = 200, .batch = 128, .evaluate_every = 50});
  const auto result = trainer.run();
  EXPECT_EQ(result.iterations, 200);
  EXPECT_EQ(result.test.points, 400);
  const double entropy = std::log(2 * M_PI * M_E) + std::log(0.5 * 2);
  // Four standard errors of the mean over 400 points, and the fit's own error.
  EXPECT_NEAR(result.test.nll, entropy, 4 * result.test.nll_error + 0.05);
  EXPECT_NEAR(-trainer.best().log_prob(x).log_prob.mean(), entropy, 0.1);
  const auto after = std::filesystem::directory_iterator(std::filesystem::current_path());
  EXPECT_EQ(std::distance(begin(after), end(after)), files);
}

TEST_F(TrainerOf, AFlowIsCopiedAndTheCallersStaysAsItWas) {
  const auto flow = small_mlp<double>(2);
  const Vector<double> before = flow.theta();
  Trainer<double> trainer(flow, matrix_data(standard_normal_draws(2, 200)), maximum_likelihood<double>(), quick(5));
  trainer.run();
  EXPECT_EQ(flow.theta(), before);
  EXPECT_NE(trainer.flow().theta(), before);
}

TEST_F(TrainerOf, AMatrixIsSplitByFractionsOrGivenInParts) {
  const Matrix<double> x = standard_normal_draws(2, 100), c = standard_normal_draws(1, 100, 1);
  const auto split = matrix_data(x, c, {.validation_fraction = 0.2, .test_fraction = 0.3});
  EXPECT_EQ(split.validation().x.cols(), 20);
  EXPECT_EQ(split.test().c.cols(), 30);
  EXPECT_EQ(split.training()->x.cols(), 50);
  EXPECT_THAT(split.columns(), ElementsAre("x1", "x2"));
  EXPECT_THAT(split.condition_columns(), ElementsAre("c1"));
  for (Index i = 0; i < 20; ++i) {  // each sample keeps its condition
    Index at = -1;
    (x.colwise() - split.validation().x.col(i)).colwise().norm().minCoeff(&at);
    EXPECT_EQ(split.validation().c(0, i), c(0, at));
  }
  using Points = TrainingData::Points;
  const auto parts =
      matrix_data(Points{x.leftCols(60), c.leftCols(60)}, Points{x.middleCols(60, 10), c.middleCols(60, 10)});
  EXPECT_EQ(parts.validation().x, x.middleCols(60, 10));
  EXPECT_EQ(parts.test().x.cols(), 0);
  EXPECT_EQ(parts.training()->x, x.leftCols(60));

  EXPECT_EQ(message([&] { (void)matrix_data(x, standard_normal_draws(1, 99)); }),
            "data: 100 samples and 99 conditions; expected one condition for each sample");
  EXPECT_THAT(message([&] {
                (void)matrix_data(Points{x, {}}, Points{standard_normal_draws(3, 5), {}});
              }),
              HasSubstr("validation: has 3 columns"));
  EXPECT_THAT(message([&] { (void)matrix_data(x, Matrix<double>(0, 0), {.validation_fraction = 1.5}); }),
              HasSubstr("validation_fraction"));
  Matrix<double> bad = x;
  bad(1, 2) = std::nan("");
  EXPECT_THAT(message([&] {
                (void)matrix_data(Points{x, {}}, Points{bad, {}});
              }),
              HasSubstr("validation: row 3, column 2 (\"x2\")"));
}

TEST_F(TrainerOf, AConditionIsTrainedOn) {
  const Matrix<double> c = standard_normal_draws(1, 2000, 3);
  const Matrix<double> x = 3 * c + 0.1 * standard_normal_draws(1, 2000, 4);
  Trainer<float> trainer(small_mlp<float>(1, 1), matrix_data(x, c), maximum_likelihood<float>(),
                         {.iterations = 150, .batch = 128, .evaluate_every = 50});
  const auto result = trainer.run();
  const double marginal = 0.5 * std::log(2 * M_PI * M_E * 9.01);  // what it would be without the condition
  EXPECT_LT(result.test.nll, marginal - 1);
}

// --- a vector field of the user's own ---

TEST_F(TrainerOf, AnOwnFieldTrainsSavesResumesAndLoads) {
  const Matrix<double> x = 0.5 * standard_normal_draws(2, 500);
  const auto data = matrix_data(x, Matrix<double>(0, 0), {.standardize = false});
  auto options = quick(20);
  options.schedule = {.kind = Schedule::Kind::constant};  // so that a longer run is the shorter one, continued
  options.directory = file("whole");
  Trainer<double> whole(relaxation(2), data, maximum_likelihood<double>(), options);
  const auto result = whole.run();

  options.directory = file("parts"), options.iterations = 10;
  Trainer<double>(relaxation(2), data, maximum_likelihood<double>(), options).run();
  options.iterations = 20, options.resume = true;
  Trainer<double> parts(relaxation(2), data, maximum_likelihood<double>(), options);
  parts.run();
  EXPECT_EQ(whole.flow().theta(), parts.flow().theta());
  EXPECT_EQ(whole.best().theta(), parts.best().theta());

  const auto in = Hdf5File::open(file("whole/model.h5"));
  EXPECT_EQ(in.attribute<std::string>("digest"),
            Hdf5File::open(file("parts/model.h5")).attribute<std::string>("digest"));
  EXPECT_EQ(in.group("blocks/0").attribute<std::string>("field"), "user");
  EXPECT_TRUE(in.exists("parameters/blocks/0/log_rate"));

  const auto field = relaxation_field(2);  // an object of the user's
  Flow<double> loaded{Cnf<double>(field)};
  EXPECT_THAT(read_parameters_into(file("whole/model.h5"), loaded).columns, ElementsAre("x1", "x2"));
  EXPECT_EQ(loaded.theta(), whole.best().theta());
  EXPECT_EQ(loaded.blocks()[0]->field, field);
  EXPECT_EQ(loaded.log_prob(x).log_prob, whole.best().log_prob(x).log_prob);
  const double nll = -loaded.log_prob(data.validation().x).log_prob.mean();
  EXPECT_NEAR(nll, result.validation.nll, 1e-3);  // ten fixed steps of dopri5 against its tolerance 1e-6

  const auto what = message([&] { (void)read_model<double>(file("whole/model.h5")); });
  EXPECT_THAT(what, HasSubstr("whole/model.h5"));
  EXPECT_THAT(what, HasSubstr("a user-defined class"));
  EXPECT_THAT(what, HasSubstr("read_parameters_into"));
}

TEST_F(TrainerOf, AFileIsNotReadIntoAFlowOfAnotherArchitecture) {
  const auto write = [&](const std::string& name, const Flow<double>& flow) {
    write_model(file(name), Model<double>{flow, {}});
    return file(name);
  };
  const std::string own = write("own.h5", relaxation(2)), mlp = write("mlp.h5", small_mlp<double>(2));
  const auto into = [](const std::string& from, Flow<double> flow) {
    const Vector<double> before = flow.theta();
    const auto what = message([&] { read_parameters_into(from, flow); });
    EXPECT_EQ(flow.theta(), before);
    return what;
  };
  EXPECT_THAT(into(own, relaxation(3)), HasSubstr("columns: 2; the flow has 3"));
  EXPECT_THAT(into(own, Flow<double>(Cnf<double>(relaxation_field(2, "rate")))), HasSubstr("parameters/blocks/0/rate"));
  EXPECT_THAT(into(own, small_mlp<double>(2)), HasSubstr("field is 'user'; the flow has 'mlp'"));
  EXPECT_THAT(into(mlp, relaxation(2)), HasSubstr("field is 'mlp'; the flow has 'user'"));
  const MlpOptions swish{.hidden = {8}, .activation = Activation::swish}, wide{.hidden = {9}};
  EXPECT_THAT(into(mlp, Flow<double>(Cnf<double>(std::make_shared<Mlp<double>>(swish)))),
              HasSubstr("activation is 'tanh'; the flow has 'swish'"));
  EXPECT_THAT(into(mlp, Flow<double>(Cnf<double>(std::make_shared<Mlp<double>>(wide)))), HasSubstr("hidden of the"));
  std::vector<Cnf<double>> blocks;
  for (int i = 0; i < 2; ++i) blocks.emplace_back(relaxation_field(2));
  EXPECT_THAT(into(own, Flow<double>(blocks)), HasSubstr("blocks: 1; the flow has 2"));
  auto with_norms = small_mlp<double>(2);
  with_norms = Flow<double>({*with_norms.blocks()[0]}, {BatchNorm<double>(2), BatchNorm<double>(2)});
  EXPECT_THAT(into(mlp, with_norms), HasSubstr("norms: 0; the flow has 2"));
  auto mixture = small_mlp<double>(2);
  Engine engine = make_stream(1, "test.base");
  mixture.base = make_base(BaseKind::mixture, 2, 3, engine);
  EXPECT_THAT(into(mlp, mixture), HasSubstr("base: normal of 1 components; the flow has mixture of 3 components"));
}

// z -> z + 1: without parameters, and with a place in no file.
class Shift final : public Transform<double> {
 public:
  explicit Shift(Index dim) : Transform(dim) {}
  std::unique_ptr<Transform<double>> clone() const override { return std::make_unique<Shift>(*this); }
  std::string kind() const override { return "shift"; }
  SolveReport apply(Direction direction, MatrixRef<double> z, RowVector<double>*, const TransformContext<double>&,
                    TransformTape<double>* tape) const override {
    z.array() += direction == Direction::base_to_data ? 1 : -1;
    if (tape) tape->log_det = 0;
    return done();
  }
  SolveReport pullback(Direction, const TransformTape<double>&, TransformCotangent<double>,
                       const TransformContext<double>&) const override {
    return done();
  }
};

// It was written as if it were not there, and read as another density.
TEST_F(TrainerOf, AnOwnTransformTrainsAndIsReadIntoItsOwnFlowAlone) {
  auto flow = small_mlp<double>(2);
  flow.chain.add(Shift(2));
  auto options = quick(5);
  options.directory = file("run");
  Trainer<double> trainer(flow, matrix_data(standard_normal_draws(2, 100)), maximum_likelihood<double>(), options);
  trainer.run();
  EXPECT_THAT(message([&] { (void)read_model<double>(file("run/model.h5")); }), HasSubstr("read_parameters_into"));
  auto without = small_mlp<double>(2);
  EXPECT_THAT(message([&] { read_parameters_into(file("run/model.h5"), without); }),
              HasSubstr("transforms: [cnf, shift]; the flow has []"));
  read_parameters_into(file("run/model.h5"), flow);
  EXPECT_EQ(flow.theta(), trainer.best().theta());
}

// --- an objective of the user's own ---

// Half the squared distance of theta to 1; counts its calls, and sees the batch.
class Pull final : public Objective<double> {
 public:
  std::string kind() const override { return "pull"; }
  ObjectiveGradient operator()(const Flow<double>& flow, const Batch& batch, Index iteration) override {
    iterations.push_back(iteration);
    seen = batch.x.cols();
    const Vector<double> away = flow.theta().array() - 1;
    return {.loss = 0.5 * away.squaredNorm(), .theta = away};
  }
  std::vector<Index> iterations;
  Index seen = 0;
};

TEST_F(TrainerOf, AnOwnObjectiveIsMinimized) {
  const auto pull = std::make_shared<Pull>();
  auto options = quick(300);
  options.adam.learning_rate = 0.1, options.ema = 0, options.evaluate_every = 300;
  Trainer<double> trainer(relaxation(2), matrix_data(standard_normal_draws(2, 100)), pull, options);
  trainer.run();
  EXPECT_LT((trainer.flow().theta().array() - 1).abs().maxCoeff(), 1e-2);
  EXPECT_EQ(pull->iterations.size(), 300u);
  EXPECT_EQ(pull->iterations.back(), 299);
  EXPECT_EQ(pull->seen, 32);
}

TEST_F(TrainerOf, StagesOfOwnAndGivenObjectivesFollowEachOther) {
  const auto pull = std::make_shared<Pull>();
  auto options = quick(12);
  std::vector<std::string> kinds;
  TrainingCallbacks<double> callbacks{.iteration = [&](const TrainingProgress& p, const Flow<double>&) {
    kinds.push_back(p.kind);
    return TrainingAction::proceed;
  }};
  const std::vector<Stage<double>> stages{{pull, 5}, {flow_matching<double>(), 3}, {maximum_likelihood<double>()}};
  Trainer<double> trainer(small_mlp<double>(2), matrix_data(standard_normal_draws(2, 100)), stages, options, callbacks);
  trainer.run();
  EXPECT_THAT(kinds, ElementsAre("pull", "pull", "pull", "pull", "pull", "flow_matching", "flow_matching",
                                 "flow_matching", "likelihood", "likelihood", "likelihood", "likelihood"));
}

class WrongSize final : public Objective<double> {
 public:
  std::string kind() const override { return "wrong"; }
  ObjectiveGradient operator()(const Flow<double>&, const Batch&, Index) override {
    return {.loss = 0, .theta = Vector<double>::Zero(1)};
  }
};

TEST_F(TrainerOf, WhatCannotBeTrainedIsRefusedWithItsReason) {
  const auto data = matrix_data(standard_normal_draws(2, 100));
  const auto refused = [&](const Flow<double>& flow, const TrainingData& on,
                           std::shared_ptr<Objective<double>> objective, const TrainerOptions& options = quick()) {
    return message([&] { Trainer<double>(flow, on, objective, options).run(); });
  };
  EXPECT_EQ(refused(relaxation(3), data, maximum_likelihood<double>()),
            "data: 2 columns and 0 conditions; the flow has 3 and 0");
  EXPECT_EQ(refused(relaxation(2), data, std::make_shared<WrongSize>()),
            "objective wrong: its gradient has 1 numbers; the flow has 3 parameters");
  EXPECT_EQ(refused(relaxation(2), TrainingData::none(2), maximum_likelihood<double>()),
            "stage 1 (likelihood): needs data");
  EXPECT_EQ(refused(relaxation(2), data, nullptr), "stage 1: has no objective");
  EXPECT_THAT(refused(relaxation(2), data, maximum_likelihood<double>({.gradient = {.regularizers = {.hjb = 1}}})),
              HasSubstr("stage 1 (likelihood): regularizers.hjb needs"));
  auto options = quick();
  options.batch = 0;
  EXPECT_EQ(refused(relaxation(2), data, maximum_likelihood<double>(), options), "batch = 0: must be >= 1");
  options = quick(), options.ema = std::nan("");
  EXPECT_EQ(refused(relaxation(2), data, maximum_likelihood<double>(), options), "ema = nan: must be in [0, 1)");
  options = quick(), options.resume = true;
  EXPECT_EQ(refused(relaxation(2), data, maximum_likelihood<double>(), options),
            "resume: needs the directory of the run");
  EXPECT_EQ(message([] { (void)maximum_likelihood<double>({.steer = 1}); }), "steer = 1: must be in [0, 1)");
  EXPECT_EQ(message([] { (void)reverse_kl<double>(find_target("ring"), {.anneal = 0}); }),
            "anneal = 0: must be in (0, 1]");
  const Batch weighted{standard_normal_draws(2, 2), Matrix<double>(0, 2), RowVector<double>{{1, 2}}};
  EXPECT_THAT(message([&] { (*maximum_likelihood<double>())(relaxation(2), weighted, 0); }), HasSubstr("weights"));
}

// Each of these was accepted, and had no effect.
TEST_F(TrainerOf, AnOptionThatWouldHaveNoEffectIsRefused) {
  const auto data = matrix_data(standard_normal_draws(2, 100));
  const auto refused = [&](auto change) {
    auto options = quick();
    change(options);
    return message([&] { Trainer<double>(relaxation(2), data, maximum_likelihood<double>(), options); });
  };
  EXPECT_EQ(refused([](auto&) {}), "no error");
  EXPECT_EQ(refused([](auto& o) { o.evaluation.seed = 3; }), "evaluation.seed = 3: must be left as it is; set seed");
  EXPECT_THAT(refused([](auto& o) { o.evaluation.threads = 2; }), HasSubstr("set threads"));
  EXPECT_THAT(refused([](auto& o) { o.evaluation.first = 64; }), HasSubstr("evaluation.first = 64"));
  EXPECT_THAT(refused([](auto& o) { o.evaluation.density = false; }), HasSubstr("evaluation.density = false"));
  EXPECT_THAT(refused([](auto& o) { o.evaluation.trace.probes = 2; }), HasSubstr("probes = 2"));
  EXPECT_THAT(refused([](auto& o) { o.schedule.learning_rate = 0.1; }), HasSubstr("set adam.learning_rate"));
  EXPECT_THAT(refused([](auto& o) { o.schedule.iterations = 7; }), HasSubstr("schedule.iterations = 7"));
  EXPECT_EQ(refused([](auto& o) { o.frozen = {"block.0."}; }),
            "frozen: no parameter's name starts with 'block.0.'; did you mean 'blocks.0.mu'?");
  EXPECT_EQ(refused([](auto& o) { o.frozen = {"base."}; }), "no error");
  EXPECT_THAT(message([] { (void)maximum_likelihood<double>({.gradient = {.trace = {.probes = 3}}}); }),
              HasSubstr("probes = 3: applies only to Hutchinson's trace"));
  EXPECT_THAT(message([] { (void)maximum_likelihood<double>({.gradient = {.iteration = 3}}); }),
              HasSubstr("iteration = 3"));
  EXPECT_THAT(message([] { (void)maximum_likelihood<double>({.gradient = {.parameters = false}}); }),
              HasSubstr("gradient.parameters = false"));
  EXPECT_THAT(message([] { (void)reverse_kl<double>(find_target("ring"), {.gradient = {.parameters = false}}); }),
              HasSubstr("gradient.parameters = false"));
}

// --- data and a target of the user's own ---

// Draws of N(0, 0.25 I): fresh in every batch, as a simulation gives them.
class Simulation final : public DataSource {
 public:
  Simulation() {
    columns_ = {"a", "b"};
    validation_ = 0.5 * standard_normal_draws(2, 300, 7), test_ = 0.5 * standard_normal_draws(2, 300, 8);
    standardizer_ = {Vector<double>::Zero(2), Vector<double>::Constant(2, 0.5)};
  }
  void batch(Engine& engine, MatrixRef<double> out) const override {
    fill_normal<double>(engine, out);
    out *= 0.5;
  }
};

TEST_F(TrainerOf, OwnDataIsASourceThatGivesBatches) {
  Trainer<double> trainer(small_mlp<double>(2), TrainingData(std::make_shared<Simulation>()),
                          maximum_likelihood<double>(), {.iterations = 100, .batch = 64, .evaluate_every = 50});
  const auto result = trainer.run();
  const double entropy = std::log(2 * M_PI * M_E) + 2 * std::log(0.5);
  EXPECT_NEAR(result.test.nll, entropy, 4 * result.test.nll_error + 0.05);
  EXPECT_EQ(trainer.best().scale(), Eigen::Vector2d(0.5, 0.5));
}

TEST_F(TrainerOf, AnOwnTargetNeedsNoData) {
  Target target{.dim = 2,
                .log_density = [](ConstMatrixRef<double> x, Matrix<double>* gradient) -> RowVector<double> {
                  if (gradient) *gradient = -x / 0.25;
                  return -x.colwise().squaredNorm() / (2 * 0.25);
                },
                .log_z = std::log(2 * M_PI * 0.25)};
  auto options = quick(150);
  options.evaluate_every = 50, options.validation_draws = 500, options.test_draws = 2000;
  Trainer<double> trainer(relaxation(2), TrainingData::none(2), reverse_kl<double>(target), options);
  const auto result = trainer.run();
  EXPECT_EQ(result.test.points, 2000);
  EXPECT_LT(*result.test.kl, 0.05);  // it is 0.64 before: the base against a quarter of its variance
  EXPECT_GT(*result.test.ess, 0.9);
}

// --- callbacks ---

TEST_F(TrainerOf, CallbacksSeeTheFlowAfterEachIterationAndEachValidation) {
  std::vector<Vector<double>> trained;
  std::vector<Index> validated;
  Vector<double> last_average;
  TrainingCallbacks<double> callbacks;
  callbacks.iteration = [&](const TrainingProgress&, const Flow<double>& flow) {
    trained.push_back(flow.theta());
    return TrainingAction::proceed;
  };
  callbacks.validation = [&](const TrainingProgress& p, const Flow<double>& flow) {
    EXPECT_NE(p.validation, nullptr);
    validated.push_back(p.iteration);
    if (p.best) last_average = flow.theta();
    return TrainingAction::proceed;
  };
  Trainer<double> trainer(small_mlp<double>(2), matrix_data(standard_normal_draws(2, 100)),
                          maximum_likelihood<double>(), quick(12), callbacks);
  trainer.run();
  ASSERT_EQ(trained.size(), 12u);
  EXPECT_NE(trained[0], trained[1]);
  EXPECT_EQ(trained.back(), trainer.flow().theta());
  EXPECT_THAT(validated, ElementsAre(5, 10, 12));
  EXPECT_EQ(last_average, trainer.best().theta());
  EXPECT_NE(last_average, trained.back());  // the moving average of the weights
}

TEST_F(TrainerOf, ACallbackStopsTheRunWhichContinuesBitwise) {
  const auto data = matrix_data(standard_normal_draws(2, 100));
  Trainer<double> whole(small_mlp<double>(2), data, maximum_likelihood<double>(), quick(12));
  whole.run();
  for (const bool by_validation : {false, true}) {
    const std::string where = by_validation ? "validation" : "iteration";
    const auto at = [&](Index n) {
      return [n](const TrainingProgress& p, const Flow<double>&) {
        return p.iteration == n ? TrainingAction::stop : TrainingAction::proceed;
      };
    };
    TrainingCallbacks<double> callbacks;
    if (by_validation)
      callbacks.validation = at(5);
    else
      callbacks.iteration = at(7);
    auto options = quick(12);
    options.directory = file(where);
    Trainer<double> stopped(small_mlp<double>(2), data, maximum_likelihood<double>(), options, callbacks);
    const auto result = stopped.run();
    EXPECT_TRUE(result.interrupted);
    EXPECT_EQ(result.iterations, by_validation ? 5 : 7);
    EXPECT_EQ(read_training_state(file(where + "/last.h5")).iteration, result.iterations);
    stopped.run();  // the object itself
    EXPECT_EQ(stopped.flow().theta(), whole.flow().theta()) << where;
    EXPECT_EQ(stopped.best().theta(), whole.best().theta()) << where;
  }
  // From the files, of a flow with other weights.
  auto options = quick(12);
  options.directory = file("files");
  TrainingCallbacks<double> callbacks{.iteration = [](const TrainingProgress& p, const Flow<double>&) {
    return p.iteration == 6 ? TrainingAction::stop : TrainingAction::proceed;
  }};
  Trainer<double>(small_mlp<double>(2), data, maximum_likelihood<double>(), options, callbacks).run();
  options.resume = true;
  auto other = small_mlp<double>(2);
  other.set_theta(Vector<double>::Zero(other.theta().size()));
  Trainer<double> resumed(other, data, maximum_likelihood<double>(), options);
  resumed.run();
  EXPECT_EQ(resumed.flow().theta(), whole.flow().theta());
  EXPECT_EQ(resumed.best().theta(), whole.best().theta());
}

TEST_F(TrainerOf, FrozenParametersStay) {
  auto options = quick(10);
  options.frozen = {"blocks.0.log_rate"}, options.adam.weight_decay = 0.1;
  const Flow<double> flow = relaxation(2);
  Vector<double> theta = flow.theta();
  theta[0] = 0.3;
  Flow<double> begun = relaxation(2);
  begun.set_theta(theta);
  Trainer<double> trainer(begun, matrix_data(standard_normal_draws(2, 100)), maximum_likelihood<double>(), options);
  trainer.run();
  EXPECT_EQ(trainer.flow().theta()[0], 0.3);
  EXPECT_NE(trainer.flow().theta()[1], theta[1]);
}

// A flow that begins at a fitted density was replaced by what a large learning rate made of it.
TEST_F(TrainerOf, AFlowThatBeginsWellIsNeverReplacedByAWorseOne) {
  const Matrix<double> x = standard_normal_draws(2, 400);
  auto flow = small_mlp<double>(2);
  flow.set_theta(Vector<double>::Zero(flow.theta().size()));  // the normal distribution, of which the data are
  auto options = quick(20);
  options.validate_first = true, options.adam.learning_rate = 3, options.clip = 0, options.ema = 0;
  options.schedule = {.kind = Schedule::Kind::constant};  // all biases move by 3 an iteration, and so do all points
  options.directory = file("run");
  {
    Trainer<double> trainer(flow, matrix_data(x), maximum_likelihood<double>(), options);
    const auto result = trainer.run();
    EXPECT_TRUE(result.has_best);
    EXPECT_EQ(result.best_iteration, 0);
    EXPECT_EQ(trainer.best().theta(), flow.theta());
  }
  EXPECT_EQ(read_model<double>(file("run/model.h5")).flow.theta(), flow.theta());
  // A resumed run knows of it.
  options.resume = true, options.iterations = 25;
  Trainer<double> resumed(flow, matrix_data(x), maximum_likelihood<double>(), options);
  EXPECT_EQ(resumed.run().best_iteration, 0);
}

// The length is decided when the time says so; a run of that length, without a limit, is the same bit for bit.
TEST_F(TrainerOf, ARunWithATimeLimitIsARunOfTheLengthThatItFoundSlow) {
  const auto flow = small_mlp<double>(2);
  const auto data = matrix_data(standard_normal_draws(2, 400));
  auto options = quick(1000000);
  options.schedule.kind = Schedule::Kind::trapezoid, options.schedule.warmup = 10;
  options.seconds = 1, options.directory = file("timed");
  RunLength length{0, 0};
  options.recipe_of = [&](const RunLength& found) {
    length = found;
    return "known";
  };
  const auto began = std::chrono::steady_clock::now();
  const auto result = Trainer<double>(flow, data, maximum_likelihood<double>(), options).run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  EXPECT_GT(took.count(), 0.4);
  EXPECT_LT(took.count(), 4);  // on a machine with other work
  EXPECT_EQ(result.iterations, length.iterations);
  EXPECT_GT(length.cooldown, 0);
  EXPECT_LT(length.cooldown, length.iterations);
  EXPECT_EQ(read_card(file("timed/model.h5")).recipe, "known");

  options.seconds = 0, options.iterations = length.iterations, options.schedule.cooldown = length.cooldown;
  options.directory = file("exact"), options.recipe = "known";
  Trainer<double>(flow, data, maximum_likelihood<double>(), options).run();
  EXPECT_EQ(read_model<double>(file("exact/model.h5")).flow.theta(),
            read_model<double>(file("timed/model.h5")).flow.theta());
  options.seconds = 1, options.schedule.kind = Schedule::Kind::cosine, options.directory = file("cosine");
  EXPECT_THAT(message([&] { Trainer<double>(flow, data, maximum_likelihood<double>(), options); }),
              HasSubstr("needs a trapezoid"));
}

// `train --resume` of a run with a time limit that was interrupted crashed: it asked how long an iteration takes before
// the first one.
TEST_F(TrainerOf, AnInterruptedRunWithATimeLimitContinuesBitwise) {
  const auto data = matrix_data(standard_normal_draws(2, 100));
  auto options = quick(12);
  options.schedule = {.kind = Schedule::Kind::trapezoid, .warmup = 2};
  options.seconds = 1e6;  // the largest number of iterations ends the run
  Trainer<double> whole(small_mlp<double>(2), data, maximum_likelihood<double>(), options);
  whole.run();
  options.directory = file("run");
  TrainingCallbacks<double> callbacks{.iteration = [](const TrainingProgress& p, const Flow<double>&) {
    return p.iteration == 6 ? TrainingAction::stop : TrainingAction::proceed;
  }};
  Trainer<double>(small_mlp<double>(2), data, maximum_likelihood<double>(), options, callbacks).run();
  options.resume = true;
  Trainer<double> resumed(small_mlp<double>(2), data, maximum_likelihood<double>(), options);
  EXPECT_EQ(resumed.run().iterations, 12);
  EXPECT_EQ(resumed.flow().theta(), whole.flow().theta());
}

}  // namespace
}  // namespace pathline
