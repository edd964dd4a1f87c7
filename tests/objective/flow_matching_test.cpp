#include "pathline/objective/flow_matching.hpp"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "objective/assignment.hpp"
#include "pathline/core/error.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/optim/adam.hpp"

namespace pathline {
namespace {

const Matrix<double> kNone(0, 0);

TEST(Assignment, IsTheBestOfAllPermutations) {
  Engine engine = make_stream(1, "assignment");
  for (Index n : {1, 2, 6}) {
    Matrix<double> cost(n, n);
    fill_uniform<double>(engine, cost);
    auto sum = [&](const std::vector<Index>& p) {
      double s = 0;
      for (Index i = 0; i < n; ++i) s += cost(i, p[static_cast<std::size_t>(i)]);
      return s;
    };
    std::vector<Index> p(static_cast<std::size_t>(n));
    std::iota(p.begin(), p.end(), 0);
    double best = 1e9;
    do best = std::min(best, sum(p));
    while (std::next_permutation(p.begin(), p.end()));
    EXPECT_NEAR(sum(solve_assignment(cost)), best, 1e-10);
  }
  EXPECT_TRUE(solve_assignment(Matrix<double>(0, 0)).empty());
  EXPECT_EQ(solve_assignment(Matrix<double>::Zero(3, 3)).size(), 3u);
}

// In one dimension the optimal coupling keeps the order.
TEST(Coupling, OnALineIsTheSort) {
  Engine engine = make_stream(2, "coupling");
  Matrix<float> a(1, 300), b(1, 300);
  fill_normal<float>(engine, a), fill_normal<float>(engine, b);
  const auto partner = couple(Coupling::optimal_transport, a, b);
  for (Index i = 0; i < kCouplingBlock; ++i)
    for (Index j = 0; j < i; ++j)
      EXPECT_EQ(b(0, i) < b(0, j),
                a(0, partner[static_cast<std::size_t>(i)]) < a(0, partner[static_cast<std::size_t>(j)]));
  EXPECT_EQ(couple(Coupling::independent, a, b)[7], 7);
}

std::shared_ptr<Mlp<double>> small_field(Index condition = 0) {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.condition_dim = condition, .hidden = {8, 8}});
  Engine engine = make_stream(3, "matching");
  field->initialize(engine);
  return field;
}

// The pairs were made without a look at the condition, so that the base depended on it: 0.68 nats for 0.13.
TEST(FlowMatching, OptimalTransportOfAConditionalFlowIsRefused) {
  const Flow<double> flow(Cnf<double>{small_field(1)});
  const Matrix<double> x = Matrix<double>::Random(2, 8), c = Matrix<double>::Random(1, 8);
  EXPECT_THROW(FlowMatching<double>({.coupling = Coupling::optimal_transport})(flow, x, c, 0), InputError);
}

TEST(FlowMatching, GradientAgreesWithDifferences) {
  Engine engine = make_stream(4, "matching");
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base})
    for (auto [path, condition] : {std::pair{MatchingPath::linear, 0}, {MatchingPath::variance_preserving, 1}}) {
      Flow<double> flow(Cnf<double>{small_field(condition), 0.7, clock});
      flow.standardize(flow.mean(), Vector<double>{{1.5, 0.5}});
      Matrix<double> x(2, 50), c(condition, 50);
      fill_normal<double>(engine, x), fill_normal<double>(engine, c);
      FlowMatching<double> matching({.coupling = condition ? Coupling::independent : Coupling::optimal_transport,
                                     .path = path, .time_sampling = TimeSampling::logit_normal, .sigma = 0.1});
      const auto g = matching(flow, x, c, 5);
      Vector<double> direction = Vector<double>::NullaryExpr(g.theta.size(), [&] { return normal(engine); });
      const Vector<double> theta = flow.theta();
      const double h = 1e-6;
      flow.set_theta(theta + h * direction);
      const double up = matching(flow, x, c, 5).loss;
      flow.set_theta(theta - h * direction);
      const double down = matching(flow, x, c, 5).loss;
      EXPECT_NEAR(g.theta.dot(direction), (up - down) / (2 * h), 1e-6 * g.theta.norm() * direction.norm());
    }
}

TEST(FlowMatching, BothClocksAreTheSameLossOfTheSameField) {
  // f of the data_to_base clock at T - t is minus f of the other: a field that is odd under that is a constant one's
  // sign.
  Engine engine = make_stream(4, "matching");
  Matrix<double> x(2, 64);
  fill_normal<double>(engine, x);
  struct Constant final : VectorField<double> {
    explicit Constant(double v) : VectorField(2, 0), v_(v) {}
    std::unique_ptr<VectorField<double>> clone() const override { return std::make_unique<Constant>(*this); }
    void value(const FieldPoint<double>& p, MatrixRef<double> f, Workspace<double>&) const override {
      f.setConstant(v_);
      f.row(0) = v_ * p.z.row(0);
    }
    void tangents(const FieldPoint<double>& p, const TangentDirections<double>&, MatrixRef<double> f,
                  MatrixRef<double> je, Workspace<double>& w) const override {
      value(p, f, w);
      je.setZero();
    }
    void pullback(const FieldPoint<double>&, const TangentDirections<double>&, ConstMatrixRef<double>,
                  ConstMatrixRef<double>, FieldCotangent<double> out, Workspace<double>&) const override {
      out.z.setZero();
    }
    double v_;
  };
  const Flow<double> up(Cnf<double>{std::make_shared<Constant>(0.3), 0.7, FieldClock::base_to_data});
  const Flow<double> down(Cnf<double>{std::make_shared<Constant>(-0.3), 0.7, FieldClock::data_to_base});
  FlowMatching<double> matching({});
  EXPECT_NEAR(matching(up, x, kNone, 1).loss, matching(down, x, kNone, 1).loss, 1e-12);
}

TEST(FlowMatching, AnyNumberOfThreadsGivesTheSameBits) {
  const Flow<double> flow(Cnf<double>{small_field()});
  Engine engine = make_stream(4, "matching");
  Matrix<double> x(2, 700);
  fill_normal<double>(engine, x);
  FlowMatching<double> matching({.coupling = Coupling::optimal_transport});
  const auto one = matching(flow, x, kNone, 3);
  FlowMatching<double> on_three({.coupling = Coupling::optimal_transport, .threads = 3});
  const auto three = on_three(flow, x, kNone, 3);
  EXPECT_EQ(one.theta, three.theta);
  EXPECT_EQ(one.loss, three.loss);
  EXPECT_NE(one.loss, matching(flow, x, kNone, 4).loss);
}

TEST(FlowMatching, LearnsADensityWithoutASolveSlow) {
  const auto& toy = find_toy("8gaussians");
  auto field = std::make_shared<Mlp<float>>(MlpOptions{});
  Engine engine = make_stream(3, "matching");
  field->initialize(engine);
  Flow<float> flow(Cnf<float>{field});
  flow.standardize(flow.mean(), Vector<double>::Constant(flow.dim(), 2));
  Matrix<double> x(2, 512), test(2, 2000);
  toy.sample(engine, test);
  const double before = -flow.log_prob(test, kNone).log_prob.mean();
  FlowMatching<float> matching({.coupling = Coupling::optimal_transport});
  Vector<double> theta = flow.theta();
  Adam adam(theta.size(), {.learning_rate = 3e-3});
  for (std::uint64_t i = 0; i < 600; ++i) {
    toy.sample(engine, x);
    adam.step(theta, matching(flow, x, kNone, i).theta);
    flow.set_theta(theta);
  }
  const double after = -flow.log_prob(test, kNone).log_prob.mean();
  EXPECT_GT(before, 4);
  EXPECT_LT(after, 3.15);  // entropy 2.83
}

TEST(FlowMatching, ChainsAreRefused) {
  Flow<double> chain(std::vector<Cnf<double>>{{small_field()}, {small_field()}});
  FlowMatching<double> matching({});
  EXPECT_THROW(matching(chain, Matrix<double>::Zero(2, 4), kNone, 0), InputError);
  EXPECT_THROW(FlowMatching<double>({.sigma = -1}), InputError);
}

}  // namespace
}  // namespace pathline
