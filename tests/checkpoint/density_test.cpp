#include "pathline/density.hpp"

#include <memory>
#include <thread>
#include <type_traits>

#include <gmock/gmock.h>

#include "core/every_instruction_set.hpp"
#include "message.hpp"
#include "pathline/checkpoint/known_answers.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/field/mlp.hpp"
#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class Densities : public Scratch {
 protected:
  // A conditional flow of the precision, in a file.
  template <class S> Flow<S> written(const std::string& name) {
    auto field = std::make_shared<Mlp<S>>(MlpOptions{.condition_dim = 1, .hidden = {8}});
    Engine engine = make_stream(3, "density_test");
    field->initialize(engine);
    Flow<S> flow(Cnf<S>{field});
    flow.standardize(Vector<double>{{1, 2}}, Vector<double>{{3, 0.5}});
    ModelCard card;
    card.columns = {"a", "b"}, card.condition_columns = {"c"};
    card.evaluation = evaluation_;
    write_model(file(name), Model<S>{flow, card});
    return flow;
  }
  template <class S> void expect_what_the_flow_says(const std::string& name) {
    const auto flow = written<S>(name);
    const Density density(file(name));
    const EvaluationOptions options{.solver = evaluation_};
    EXPECT_EQ(density.dim(), 2);
    EXPECT_EQ(density.condition_dim(), 1);
    EXPECT_EQ(density.columns(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(density.condition_columns(), std::vector<std::string>{"c"});
    EXPECT_EQ(density.log_prob(x_, c_), flow.log_prob(x_, c_, options).log_prob);
    EXPECT_EQ(density.score(x_, c_), flow.score(x_, c_, {.solver = evaluation_}).score);
    EXPECT_EQ(density.sample(70, 5, c_), flow.sample(70, 5, {.solver = evaluation_, .density = false}, c_).points);
  }

  // Not the default, so that a density which did not look into the file is found out.
  SolverOptions evaluation_{.stepper = StepperKind::rk4, .steps = 5};
  Matrix<double> x_ = Matrix<double>::Random(2, 70), c_ = Matrix<double>::Random(1, 70);
};

TEST_F(Densities, SayWhatTheFlowSaysInTheFilesPrecisionWithTheFilesAccuracy) {
  expect_what_the_flow_says<float>("float.h5");
  expect_what_the_flow_says<double>("double.h5");
}

// A solve in float rounds some thousand times by 6e-8, so the densities differ by at most 1e-4 nats; in double by 1e-9.
TEST(ShippedModels, AgreeBetweenInstructionSets) {
  for (const std::string name : {"moons", "moons_spline", "otflow_8gaussians", "geyser"}) {
    const std::string file = source_dir() + "/models/" + name + ".h5";
    const Density density(file);
    const auto flow = read_model<double>(file).flow;
    const Matrix<double> x = density.sample(24, 1);
    const RowVector<double> widest = density.log_prob(x);
    const RowVector<double> exact = known_log_prob(flow, x, Matrix<double>(0, 0));
    with_every_instruction_set([&] {
      EXPECT_LT((density.log_prob(x) - widest).cwiseAbs().maxCoeff(), 1e-4) << name;
      EXPECT_LT((known_log_prob(flow, x, Matrix<double>(0, 0)) - exact).cwiseAbs().maxCoeff(), 1e-9) << name;
    });
  }
}

TEST_F(Densities, TakeOptionsInsteadOfTheFiles) {
  const auto flow = written<double>("m.h5");
  const SolverOptions fine{.rtol = 1e-9, .atol = 1e-9};
  const Density density(file("m.h5"), {.solver = fine, .tile = 7});
  EXPECT_EQ(density.solver(), fine);
  EXPECT_EQ(density.log_prob(x_, c_), flow.log_prob(x_, c_, {.solver = fine, .tile = 7}).log_prob);
  EXPECT_EQ(message([&] { Density(file("m.h5"), {.tile = 0}); }), "tile = 0: must be >= 1");
  EXPECT_EQ(message([&] { Density(file("m.h5"), {.solver = SolverOptions{.rtol = -1}}); }), "rtol = -1: must be > 0");
}

// The shipped models are of format 1, whose recipe says how to evaluate them.
TEST_F(Densities, EvaluateAModelOfFormat1AsItsRecipeSays) {
  const std::string moons = fixtures_dir() + "/model_format_1.h5";
  EXPECT_EQ(Density(moons).solver(), (SolverOptions{.rtol = 1e-9, .atol = 1e-9}));
  EXPECT_EQ(python("import shutil\nshutil.copy('" + moons + "', 'm.h5')\nwith h5py.File('m.h5', 'a') as f:\n"
                   "  r = f['recipe'].asstr()[()].replace('rtol = 1e-09', 'rtol = 1e-04')\n"
                   "  del f['recipe']; f['recipe'] = r"),
            "");
  EXPECT_EQ(Density(file("m.h5")).solver(), (SolverOptions{.rtol = 1e-4, .atol = 1e-9}));
  EXPECT_EQ(python("with h5py.File('m.h5', 'a') as f:\n"
                   "  r = f['recipe'].asstr()[()].replace('rtol = 1e-04', 'rtol = -1')\n"
                   "  del f['recipe']; f['recipe'] = r"),
            "");
  EXPECT_THAT(message([&] { Density(file("m.h5")); }), AllOf(HasSubstr("m.h5: "), HasSubstr("rtol = -1: must be > 0")));
}

TEST_F(Densities, NeedTheConditionOfAConditionalModel) {
  written<float>("m.h5");
  const Density density(file("m.h5"));
  EXPECT_EQ(message([&] { (void)density.log_prob(x_); }), "the condition has 0 columns; the model has 1");
  EXPECT_EQ(message([&] { (void)density.sample(3, 1); }), "the condition has 0 columns; the model has 1");
  EXPECT_EQ(message([&] { (void)density.sample(3, 1, c_); }), "the condition has 70 rows; the points have 3");
  EXPECT_EQ(message([&] { (void)density.sample(-1, 1, c_); }), "n = -1: must be >= 0");
}

TEST_F(Densities, AreValuesThatShareTheModel) {
  static_assert(std::is_copy_constructible_v<Density> && std::is_copy_assignable_v<Density>);
  written<float>("m.h5");
  auto first = std::make_unique<Density>(file("m.h5"));
  const RowVector<double> expected = first->log_prob(x_, c_);
  const Density copy = *first;
  first.reset();
  EXPECT_EQ(copy.log_prob(x_, c_), expected);
}

TEST_F(Densities, LoadAndEvaluateInSeveralThreadsAtOnce) {
  written<float>("m.h5");
  const Density density(file("m.h5"));
  const RowVector<double> expected = density.log_prob(x_, c_);
  const Matrix<double> slope = density.score(x_, c_), drawn = density.sample(70, 5, c_);
  std::vector<std::thread> threads;
  std::vector<int> same(4, 0);
  for (std::size_t i = 0; i < same.size(); ++i)
    threads.emplace_back([&, i] {
      const Density own(file("m.h5"));
      const Density& d = i % 2 ? own : density;
      same[i] = d.log_prob(x_, c_) == expected && d.score(x_, c_) == slope && d.sample(70, 5, c_) == drawn;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<int>(4, 1));
}

// Whatever is wrong with a file, the message is one line that begins with its name.
TEST_F(Densities, AFileThatIsNoModelIsNamed) {
  const auto said = [&](const std::string& name) { return message([&] { Density(file(name)); }); };
  EXPECT_EQ(said("missing.h5"), file("missing.h5") + ": cannot read: No such file or directory");
  put("text.h5", "x,y\n1,2\n"), put("empty.h5", "");
  EXPECT_EQ(said("text.h5"), file("text.h5") + ": not an HDF5 file");
  EXPECT_EQ(said("empty.h5"), file("empty.h5") + ": empty: not an HDF5 file");
  EXPECT_THAT(message([&] { Density(root_.string()); }), StartsWith(root_.string() + ": "));

  written<float>("whole.h5");
  const std::string whole = get("whole.h5");
  for (const double part : {0.1, 0.5, 0.999}) {
    put("cut.h5", whole.substr(0, static_cast<std::size_t>(part * static_cast<double>(whole.size()))));
    EXPECT_THAT(said("cut.h5"), StartsWith(file("cut.h5") + ": ")) << part;
  }
  // Without the checksum before it, which would say so first.
  EXPECT_EQ(python("import shutil\nshutil.copy('whole.h5', 'later.h5')\nwith h5py.File('later.h5', 'a') as f:\n"
                   "  f.attrs['format_version'] = 99\n"
                   "with open('later.h5', 'r+b') as f: f.write(bytes(512))\n"
                   "with h5py.File('other.h5', 'w') as f: f['points'] = np.zeros((3, 2))\n"),
            "");
  EXPECT_THAT(said("later.h5"), StartsWith(file("later.h5") + ": model format 99: this pathline ("));
  EXPECT_THAT(said("other.h5"), StartsWith(file("other.h5") + ": not a model"));
}

TEST_F(Densities, GiveTheSameBitsOnAnyNumberOfThreads) {
  written<float>("m.h5");
  const Density one(file("m.h5"), {.tile = 8}), four(file("m.h5"), {.tile = 8, .threads = 4});
  EXPECT_EQ(four.log_prob(x_, c_), one.log_prob(x_, c_));
  EXPECT_EQ(four.score(x_, c_), one.score(x_, c_));
  EXPECT_EQ(four.sample(70, 5, c_), one.sample(70, 5, c_));
  EXPECT_EQ(message([&] { Density(file("m.h5"), {.threads = -1}); }), "threads = -1: must be >= 0");
}

}  // namespace
}  // namespace pathline
