#include "pathline/dynamics/physics_field.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"
#include "pathline/adjoint/odeint.hpp"

namespace pathline {
namespace {

using ::testing::HasSubstr;

Matrix<double> random_matrix(Index rows, Index cols, std::uint64_t seed) {
  Engine engine = make_stream(seed, "physics_field_test");
  Matrix<double> m(rows, cols);
  fill_normal<double>(engine, m);
  return m;
}

std::unique_ptr<Mlp<double>> network(Index dim, LayerType layer = LayerType::concat) {
  auto mlp = std::make_unique<Mlp<double>>(MlpOptions{.dim = dim, .hidden = {7}, .layer = layer});
  Engine engine = make_stream(1, "physics_field_test.network");
  mlp->initialize(engine, 2);
  return mlp;
}

std::unique_ptr<PotentialField<double>> energy(Index dim) {
  auto field = std::make_unique<PotentialField<double>>(PotentialFieldOptions{.dim = dim, .width = 8});
  Engine engine = make_stream(1, "physics_field_test.energy");
  field->initialize(engine);
  return field;
}

enum class Kind { newtonian, second_order, hamiltonian };
std::unique_ptr<PhysicsField<double>> make(Kind kind) {
  auto field = kind == Kind::newtonian      ? make_newtonian_field<double>(network(9))
               : kind == Kind::second_order ? make_second_order_field<double>(network(4))
                                            : make_hamiltonian_field<double>(energy(4));
  field->set_theta(field->theta() + 0.2 * random_matrix(field->theta().size(), 1, 4));
  return field;
}

class PhysicsFields : public ::testing::TestWithParam<std::tuple<Kind, int>> {};

// Tangents against differences of the value, the pullback against differences of <bars, (f, J E)>.
TEST_P(PhysicsFields, TangentsAndPullbackAgreeWithDifferences) {
  const auto [kind, probes] = GetParam();
  const auto field = make(kind);
  const Index d = field->dim(), batch = 3, k = probes < 0 ? d : probes;
  const Matrix<double> z = random_matrix(d, batch, 1), c(0, batch), memory = random_matrix(d, k * batch, 2);
  const auto e = probes < 0   ? TangentDirections<double>::identity(d)
                 : probes > 0 ? TangentDirections<double>{TangentDirections<double>::Kind::probes, k, memory.data()}
                              : TangentDirections<double>{};
  Workspace<double> w;
  const double t = 0.3, h = 1e-5, kTol = 1e-8;  // h^2 and 1e-16 / h, of values of order 1
  Matrix<double> directions(d, k * batch);
  e.write(d, batch, directions);
  Matrix<double> f(d, batch), je(d, k * batch), up(d, batch), down(d, batch);
  field->tangents({t, z, c}, e, f, je, w);
  field->value({t, z, c}, up, w);
  EXPECT_LT((f - up).norm(), 1e-13);
  for (Index j = 0; j < k; ++j) {
    const Matrix<double> by = directions.middleCols(j * batch, batch);
    field->value({t, z + h * by, c}, up, w);
    field->value({t, z - h * by, c}, down, w);
    EXPECT_LT((je.middleCols(j * batch, batch) - (up - down) / (2 * h)).norm(), kTol);
  }

  const Matrix<double> f_bar = random_matrix(d, batch, 5), je_bar = random_matrix(d, k * batch, 6);
  Matrix<double> z_bar(d, batch), c_bar(0, batch);
  Vector<double> theta_bar = Vector<double>::Zero(field->theta().size());
  double t_bar = 0;
  field->pullback({t, z, c}, e, f_bar, je_bar, {z_bar, c_bar, theta_bar, &t_bar}, w);
  auto paired = [&](double at, const Matrix<double>& at_z) {
    Matrix<double> value(d, batch), products(d, k * batch);
    field->tangents({at, at_z, c}, e, value, products, w);
    return value.cwiseProduct(f_bar).sum() + products.cwiseProduct(je_bar).sum();
  };
  const Matrix<double> dz = random_matrix(d, batch, 7);
  EXPECT_NEAR(z_bar.cwiseProduct(dz).sum(), (paired(t, z + h * dz) - paired(t, z - h * dz)) / (2 * h), 10 * kTol);
  EXPECT_NEAR(t_bar, (paired(t + h, z) - paired(t - h, z)) / (2 * h), 10 * kTol);
  const Vector<double> theta = field->theta();
  for (const auto& p : field->parameters()) {
    Vector<double> by = Vector<double>::Zero(theta.size());
    by.segment(p.offset, p.size()) = random_matrix(p.size(), 1, 8).normalized();
    field->set_theta(theta + h * by);
    const double above = paired(t, z);
    field->set_theta(theta - h * by);
    const double below = paired(t, z);
    field->set_theta(theta);
    EXPECT_NEAR(theta_bar.dot(by), (above - below) / (2 * h), 10 * kTol) << p.name;
  }
  // Without parameters the same z_bar, as a score asks for it.
  Matrix<double> again(d, batch);
  Vector<double> none;
  field->pullback({t, z, c}, e, f_bar, je_bar, {again, c_bar, none, &t_bar}, w);
  EXPECT_LT((again - z_bar).norm(), 1e-12 * z_bar.norm());
}

INSTANTIATE_TEST_SUITE_P(Every, PhysicsFields,
                         ::testing::Combine(::testing::Values(Kind::newtonian, Kind::second_order, Kind::hamiltonian),
                                            ::testing::Values(0, 2, -1)));

TEST(PhysicsField, SecondOrderFieldMovesPositionsByVelocities) {
  const auto field = make(Kind::second_order);
  const Matrix<double> z = random_matrix(4, 3, 1), c(0, 3);
  Matrix<double> f(4, 3);
  Workspace<double> w;
  field->value({0.1, z, c}, f, w);
  EXPECT_EQ(f.topRows(2), z.bottomRows(2));
}

// dH/dt = 0 along a Hamiltonian field, whatever its parameters; a plain field of the same gradient has no such law.
TEST(PhysicsField, HamiltonianFieldKeepsItsEnergy) {
  const auto field = make(Kind::hamiltonian);
  const auto& h = dynamic_cast<const PotentialField<double>&>(field->network());
  const Matrix<double> z0 = random_matrix(4, 5, 1), c(0, 5);
  const Matrix<double> z = odeint<double>(*field, z0, {0, 3}, {.solver = {.rtol = 1e-10, .atol = 1e-10}});
  Matrix<double> before(1, 5), after(1, 5);
  Workspace<double> w;
  h.potential({0, z0, c}, before, w);
  h.potential({0, z.rightCols(5), c}, after, w);
  EXPECT_GT((z.rightCols(5) - z0).norm(), 0.1);
  EXPECT_LT((after - before).cwiseAbs().maxCoeff(), 1e-8);  // the solve's tolerance over some tens of steps
}

TEST(PhysicsField, NewtonianFieldIsTheFormulaOfItsPaper) {
  auto mlp = network(9, LayerType::ignore);
  const auto copy = mlp->clone();
  const auto field = make_newtonian_field<double>(std::move(mlp));
  const Matrix<double> z = random_matrix(9, 1, 3), c(0, 1);
  Matrix<double> f(9, 1), g(9, 1);
  Workspace<double> w;
  field->value({0, z, c}, f, w);
  copy->value({0, z, c}, g, w);
  const auto R = [&](Index i) { return std::tanh(g(i - 1, 0)); };
  const Vector<double> expected{{z(2), z(3), 0.1 * z(0) + 0.1 * z(2) + 0.1 + 0.01 * R(1),
                                 0.1 * z(1) + 0.1 * z(3) - 5 + 0.01 * R(2), z(5), -z(4) - 0.1 * z(5) + 0.01 * R(3),
                                 0.1 * z(6) + 0.1 + 0.01 * R(4), 0.1 * z(7) + 0.1 + 0.01 * R(5),
                                 0.1 * z(8) + 0.1 + 0.01 * R(6)}};
  EXPECT_LT((f - expected).norm(), 1e-14);
}

TEST(PhysicsField, SizesThatDoNotFitAreRefused) {
  EXPECT_THAT(message([] { make_second_order_field<double>(network(3)); }), HasSubstr("dimension 3: must be even"));
  EXPECT_THAT(message([] { make_newtonian_field<double>(network(4)); }), HasSubstr("is 9 x 9: must be 4 x 4"));
  PhysicsOptions o{.fixed = Matrix<double>::Zero(2, 2), .terms = {{"k", 0, 2}}, .map = Matrix<double>::Zero(2, 2)};
  EXPECT_THAT(message([&] { PhysicsField<double>(network(2), o); }), HasSubstr("'k' is at (0, 2)"));
}

}  // namespace
}  // namespace pathline
