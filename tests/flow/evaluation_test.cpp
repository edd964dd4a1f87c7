// What every evaluation of a flow promises: any number of threads gives the same bits, and an error names its point.
#include <limits>
#include <thread>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/transform/coupling_layer.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const Matrix<double> kNone(0, 0);

template <class S> Flow<S> flow_of(Index condition_dim = 0) {
  auto field = std::make_shared<Mlp<S>>(MlpOptions{.condition_dim = condition_dim, .hidden = {8, 8}});
  Engine engine = make_stream(5, "evaluation_test");
  field->initialize(engine);
  return Flow<S>(Cnf<S>{field});
}

TEST(Evaluation, AnyNumberOfThreadsGivesTheSameBits) {
  const auto flow = flow_of<float>();
  const Matrix<double> x = Matrix<double>::Random(2, 300);
  const auto one = flow.log_prob(x);
  const auto score = flow.score(x);
  const auto drawn = flow.sample(300, 1);
  const auto there = flow.transform(x, 1, 0.5);
  for (int threads : {0, 3, 16}) {
    const EvaluationOptions options{.threads = threads};
    EXPECT_EQ(flow.log_prob(x, kNone, options).log_prob, one.log_prob);
    EXPECT_EQ(flow.log_prob(x, kNone, options).nfe, one.nfe);
    EXPECT_EQ(flow.score(x, kNone, {.threads = threads}).score, score.score);
    EXPECT_EQ(flow.sample(300, 1, options).points, drawn.points);
    EXPECT_EQ(flow.transform(x, 1, 0.5, kNone, options).points, there.points);
  }
  EXPECT_EQ(message([&] { (void)flow.log_prob(x, kNone, {.threads = -1}); }), "threads = -1: must be >= 0");
}

// A closed form solves no ODE that could fail: NaN was returned as a density, as a draw and as a score without a word,
// and `verify` sorted such draws, which is undefined.
TEST(Evaluation, ANumberThatIsNotFiniteOfAMapInClosedFormIsAnError) {
  CouplingLayer<float> layer({.dim = 2, .moved = {1}, .hidden = {}});
  layer.set_theta(Vector<double>::Constant(layer.parameter_count(), 1e39));  // beyond float
  Chain<float> chain;
  chain.add(layer.clone());
  const Flow<float> flow(std::move(chain));
  const Matrix<double> x{{0, 0.5}, {10, 0.3}};  // the first point is outside of the box
  const std::string said = "point 2: a map is not finite";
  EXPECT_THAT(message<NumericalError>([&] { (void)flow.log_prob(x); }), StartsWith(said));
  EXPECT_THAT(message<NumericalError>([&] { (void)flow.log_prob(x, kNone, {.density = false}); }), StartsWith(said));
  EXPECT_THAT(message<NumericalError>([&] { (void)flow.score(x); }), HasSubstr("a map is not finite"));
  EXPECT_THAT(message<NumericalError>([&] { (void)flow.sample(100, 1); }), HasSubstr("a map is not finite"));
  EXPECT_NEAR(flow.log_prob(x.col(0)).log_prob[0], -51.8379, 1e-4);  // -50 - log(2 pi)
}

TEST(Evaluation, SeveralThreadsOfTheProgramMayEvaluateAtOnce) {
  const auto flow = flow_of<float>();
  const Flow<float> other = flow;
  const Matrix<double> x = Matrix<double>::Random(2, 200);
  const auto expected = flow.log_prob(x).log_prob;
  std::vector<int> same(6, 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < same.size(); ++i)
    threads.emplace_back([&, i] {
      const EvaluationOptions options{.threads = static_cast<int>(i % 3) + 1};
      same[i] = (i % 2 ? flow : other).log_prob(x, kNone, options).log_prob == expected;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<int>(6, 1));
}

TEST(Evaluation, ANumberThatIsNotFiniteIsNamedByItsPoint) {
  const auto flow = flow_of<double>(1);
  Matrix<double> x = Matrix<double>::Zero(2, 100), c = Matrix<double>::Zero(1, 100);
  c(0, 71) = std::numeric_limits<double>::infinity();
  EXPECT_EQ(message([&] { (void)flow.log_prob(x, c); }), "condition of point 72, column 1: inf: must be finite");
  x(1, 70) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message([&] { (void)flow.log_prob(x, c); }), "point 71, column 2: nan: must be finite");
  EXPECT_EQ(message([&] { (void)flow.score(x, c); }), "point 71, column 2: nan: must be finite");
  EXPECT_EQ(message([&] { (void)flow.push(x, {}, c); }), "point 71, column 2: nan: must be finite");
  EXPECT_EQ(message([&] { (void)flow.log_prob(x, c, {.first = 640}); }), "point 711, column 2: nan: must be finite");
}

TEST(Evaluation, APointOutsideOfTheLogitIsNamed) {
  auto flow = flow_of<double>();
  flow.set_logit(1e-3);
  Matrix<double> x = Matrix<double>::Constant(2, 100, 0.5);
  x(1, 70) = 2;
  EXPECT_THAT(message([&] { (void)flow.log_prob(x); }), StartsWith("point 71, column 2: 2: the logit"));
  EXPECT_THAT(message([&] { (void)flow.log_prob(x, kNone, {.first = 64}); }), StartsWith("point 135, column 2: 2: "));
}

// dz/dt = z^2 reaches infinity at t = 1 / z.
class Explosive final : public VectorField<double> {
 public:
  Explosive() : VectorField(1, 0) {}
  std::unique_ptr<VectorField<double>> clone() const override { return std::make_unique<Explosive>(*this); }
  void value(const FieldPoint<double>& x, MatrixRef<double> f, Workspace<double>&) const override {
    f = x.z.array().square();
  }
  void tangents(const FieldPoint<double>& x, const TangentDirections<double>& e, MatrixRef<double> f,
                MatrixRef<double> je, Workspace<double>& w) const override {
    value(x, f, w);
    if (e.k > 0) je = 2 * x.z;
  }
  void pullback(const FieldPoint<double>&, const TangentDirections<double>&, ConstMatrixRef<double>,
                ConstMatrixRef<double>, FieldCotangent<double>, Workspace<double>&) const override {}
};

TEST(Evaluation, ASolveThatFailsIsNamedByItsPoint) {
  const Flow<double> flow(Cnf<double>{std::make_shared<Explosive>()});
  Matrix<double> z = Matrix<double>::Constant(1, 200, 0.25);
  z(0, 150) = 3;
  const auto said = message<NumericalError>([&] { (void)flow.push(z, {.threads = 2}); });
  EXPECT_THAT(said, StartsWith("point 151: "));
  EXPECT_THAT(said, HasSubstr("at t = 0.33"));  // 1 / 3
}

TEST(Evaluation, APartOfAStreamBeginsWithATile) {
  const auto flow = flow_of<float>();
  EXPECT_EQ(message([&] { (void)flow.sample(10, 1, {.first = 10}); }), "first = 10: must be a multiple of tile = 64");
  EXPECT_EQ(message([&] { (void)flow.draw_base(10, 1, 0); }), "tile = 0: must be >= 1");
  EXPECT_EQ(message([&] { (void)flow.draw_base(-1, 1); }), "n = -1: must be >= 0");
}

TEST(Evaluation, AConditionThatTheFlowDoesNotHaveIsRefused) {
  const auto flow = flow_of<double>();
  const Matrix<double> x = Matrix<double>::Zero(2, 3), c = Matrix<double>::Zero(1, 3);
  const std::string refused = "the condition has 1 columns; the model has 0";
  EXPECT_EQ(message([&] { (void)flow.log_prob(x, c); }), refused);
  EXPECT_EQ(message([&] { (void)flow.log_prob_at(0.5, x, c); }), refused);
  EXPECT_EQ(message([&] { (void)flow.score(x, c); }), refused);
  EXPECT_EQ(message([&] { (void)flow.sample(3, 1, {}, c); }), refused);
  EXPECT_EQ(message([&] { (void)flow.transform(x, 1, 0, c); }), refused);
}

}  // namespace
}  // namespace pathline
