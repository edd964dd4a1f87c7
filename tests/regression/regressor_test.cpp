#include "pathline/regression/regressor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/regression/fit.hpp"
#include "pathline/regression/neural_ode.hpp"
#include "pathline/regression/residual_network.hpp"

namespace pathline {
namespace {

using ::testing::HasSubstr;
using Lift = RegressorOptions::Lift;
using Readout = RegressorOptions::Readout;

Matrix<double> random_matrix(Index rows, Index cols, std::uint64_t seed) {
  Engine engine = make_stream(seed, "regressor_test");
  Matrix<double> m(rows, cols);
  fill_normal<double>(engine, m);
  return m;
}

std::shared_ptr<Mlp<double>> network(Index dim, std::uint64_t seed = 1, LayerType layer = LayerType::concat) {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = dim, .hidden = {8}, .layer = layer});
  Engine engine = make_stream(seed, "regressor_test.network");
  field->initialize(engine);
  return field;
}

enum class Kind { neural_ode, shared, own };
std::unique_ptr<Regressor<double>> make(Kind kind, const RegressorOptions& o, Index dim) {
  std::unique_ptr<Regressor<double>> model;
  if (kind == Kind::neural_ode)
    model = std::make_unique<NeuralOde<double>>(
        network(dim), NeuralOdeOptions{.regressor = o, .solve = {.solver = {.rtol = 1e-10, .atol = 1e-10}}});
  else if (kind == Kind::shared)
    model = std::make_unique<ResidualNetwork<double>>(std::vector<std::shared_ptr<VectorField<double>>>{network(dim)},
                                                      ResidualOptions{.regressor = o, .step = 0.5});
  else
    model = std::make_unique<ResidualNetwork<double>>(
        std::vector<std::shared_ptr<VectorField<double>>>{network(dim, 1), network(dim, 2), network(dim, 3)},
        ResidualOptions{.regressor = o, .step = 0.5});
  Engine engine = make_stream(5, "regressor_test.maps");
  model->initialize(engine);
  return model;
}

class Regressors : public ::testing::TestWithParam<std::tuple<Kind, Lift, Readout, LossKind>> {};

TEST_P(Regressors, GradientAgreesWithDifferences) {
  const auto [kind, lift, readout, loss_kind] = GetParam();
  auto model = make(kind, {.inputs = 2, .outputs = 3, .lift = lift, .readout = readout}, 4);
  RegressionLoss loss{loss_kind};
  if (loss_kind == LossKind::weighted_mse) loss.weights = Vector<double>{{1.01, 0.1, 2.0}};
  const Matrix<double> x = random_matrix(2, 6, 1);
  const Matrix<double> y =
      loss_kind == LossKind::cross_entropy ? one_hot<double>({0, 2, 1, 1, 0, 2}, 3) : random_matrix(3, 6, 2);
  const auto g = model->gradient(x, y, loss);
  const Vector<double> theta = model->theta();
  const double h = 1e-5, kTol = 1e-7;  // h^2, and the solves' 1e-10 / h in part
  for (std::uint64_t seed : {7, 8}) {
    const Vector<double> by = random_matrix(theta.size(), 1, seed).normalized();
    model->set_theta(theta + h * by);
    const double up = model->gradient(x, y, loss).loss;
    model->set_theta(theta - h * by);
    const double down = model->gradient(x, y, loss).loss;
    EXPECT_NEAR(g.theta.dot(by), (up - down) / (2 * h), kTol);
  }
  model->set_theta(theta);
  const Matrix<double> dx = random_matrix(2, 6, 9).normalized();
  const double up = model->gradient(x + h * dx, y, loss).loss, down = model->gradient(x - h * dx, y, loss).loss;
  EXPECT_NEAR(g.x.cwiseProduct(dx).sum(), (up - down) / (2 * h), kTol);
}

INSTANTIATE_TEST_SUITE_P(
    Every, Regressors,
    ::testing::Combine(::testing::Values(Kind::neural_ode, Kind::shared, Kind::own),
                       ::testing::Values(Lift::pad, Lift::linear), ::testing::Values(Readout::first, Readout::linear),
                       ::testing::Values(LossKind::mse, LossKind::weighted_mse, LossKind::cross_entropy)));

TEST(Regressor, ParametersCoverThetaOnce) {
  for (const Kind kind : {Kind::neural_ode, Kind::shared, Kind::own}) {
    const auto model = make(kind, {.inputs = 2, .outputs = 1, .lift = Lift::linear}, 3);
    Index next = 0;
    for (const auto& p : model->parameters()) {
      EXPECT_EQ(p.offset, next) << p.name;
      next += p.size();
    }
    EXPECT_EQ(next, model->theta().size());
    const Vector<double> theta = random_matrix(next, 1, 3);
    model->set_theta(theta);
    EXPECT_EQ(model->theta(), theta);
  }
}

// A trajectory of a one-dimensional ODE cannot cross another, so no x -> -x without a further dimension (Dupont et al.
// 2019, proposition 1).
TEST(NeuralOde, LearnsAReflectionOnlyWithAnAugmentedDimension) {
  const Matrix<double> x{{-1.0, 1.0}}, y{{1.0, -1.0}};
  const FitOptions options{.optimizer = {.iterations = 300, .learning_rate = 3e-2}};
  double loss[2];
  for (const Index augmented : {0, 1}) {
    NeuralOde<double> model(
        network(1 + augmented, 1, LayerType::ignore),
        {.regressor = {.readout = Readout::first}, .solve = {.solver = {.rtol = 1e-4, .atol = 1e-4}}});
    fit(model, x, y, {}, options);
    loss[augmented] = model.gradient(x, y, {}).loss;
  }
  EXPECT_GT(loss[0], 0.99);  // both go to 0 at best, where the loss is 1
  EXPECT_LT(loss[1], 0.05);
}

TEST(Regressor, CrossEntropySeparatesTwoClassesSlow) {
  auto model = make(Kind::neural_ode, {.inputs = 2, .outputs = 2}, 3);
  const Matrix<double> x = random_matrix(2, 60, 4);
  std::vector<Index> labels;
  for (Index b = 0; b < 60; ++b) labels.push_back(x.col(b).norm() < 1.1 ? 0 : 1);  // a ring about a disc
  fit(*model, x, one_hot<double>(labels, 2), {LossKind::cross_entropy},
      {.optimizer = {.iterations = 200, .learning_rate = 5e-2}});
  const Matrix<double> logits = model->predict(x);
  Index right = 0;
  for (Index b = 0; b < 60; ++b) right += (logits(1, b) > logits(0, b)) == (labels[static_cast<std::size_t>(b)] == 1);
  EXPECT_GE(right, 57);  // 36 of 60 by always answering with the commoner class
}

TEST(Fit, SameSeedGivesTheSameBits) {
  const Matrix<double> x = random_matrix(2, 30, 4), y = random_matrix(1, 30, 5);
  const FitOptions options{.optimizer = {.iterations = 5}, .batch = 7, .seed = 3};
  auto a = make(Kind::shared, {.inputs = 2}, 2), b = make(Kind::shared, {.inputs = 2}, 2);
  EXPECT_EQ(fit(*a, x, y, {}, options), fit(*b, x, y, {}, options));
  EXPECT_EQ(a->theta(), b->theta());
}

TEST(Regressor, SizesThatDoNotFitAreRefusedByName) {
  EXPECT_THAT(message([] { make(Kind::shared, {.inputs = 3}, 2); }), HasSubstr("= 2: must be >= inputs = 3"));
  EXPECT_THAT(message([] { make(Kind::shared, {.outputs = 3, .readout = Readout::first}, 2); }),
              HasSubstr("must be >= outputs = 3"));
  auto model = make(Kind::neural_ode, {.inputs = 2}, 2);
  EXPECT_THAT(message([&] { model->predict(Matrix<double>::Zero(1, 4)); }), HasSubstr("x: 1 x 4: must have 2 rows"));
  EXPECT_THAT(message([&] { model->gradient(Matrix<double>::Zero(2, 4), Matrix<double>::Zero(1, 3), {}); }),
              HasSubstr("y: 1 x 3: must be 1 x 4"));
  EXPECT_THAT(message([&] { model->set_theta(Vector<double>::Zero(3)); }), HasSubstr("theta has 3 numbers"));
  EXPECT_THAT(message([] { NeuralOde<double>(network(1), {.t0 = 1, .t1 = 1}); }), HasSubstr("t1 = 1"));
  EXPECT_THAT(message([] {
                ResidualNetwork<double>({network(1), network(1)}, {.blocks = 3});
              }),
              HasSubstr("2 fields: must be 1, or as many as blocks = 3"));
  EXPECT_THAT(message([] { ResidualNetwork<double>({}, {}); }), HasSubstr("at least one field"));
}

}  // namespace
}  // namespace pathline
