// Every transform, in both directions: its inverse, its log-determinant and its pullback against central differences.
#include "pathline/transform/transform.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/transform/affine.hpp"
#include "pathline/transform/batch_norm.hpp"
#include "pathline/transform/bounds.hpp"
#include "pathline/transform/chain.hpp"
#include "pathline/transform/cnf.hpp"
#include "pathline/transform/coupling_layer.hpp"
#include "pathline/transform/linear.hpp"
#include "pathline/transform/logit.hpp"
#include "pathline/transform/marginals.hpp"
#include "pathline/transform/planar.hpp"
#include "pathline/transform/radial.hpp"

namespace pathline {
namespace {

constexpr Index kDim = 2, kBatch = 5;

Cnf<double> make_cnf(FieldClock clock) {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = kDim, .condition_dim = 1, .hidden = {6, 5}});
  Engine engine = make_stream(1, "transform_test");
  field->initialize(engine);
  return {field, 0.7, clock, true};
}

BatchNorm<double> make_norm() {
  BatchNorm<double> norm(kDim);
  norm.mean << 0.3, -0.2, norm.variance << 1.7, 0.6, norm.log_weight << 0.2, -0.4, norm.bias << -0.1, 0.5;
  return norm;
}

Marginals make_marginals() {
  const MarginalMap map{
      Vector<double>{{-0.8, -0.1, 0.4, 1.1}}, Vector<double>{{-1.2, 0.1, 0.3, 1.4}}, {0.1, 0.3}, {2, 1}};
  MarginalMap other = map;
  other.x *= 0.5, other.low.shape = 0;
  return Marginals({map, other});
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Planar<double> make_planar() {
  Planar<double> planar(kDim);
  planar.w << 1.3, -0.8;
  planar.u << -0.9, 1.1;
  planar.b = 0.3;  // w . u = -2.05: invertible by its u' alone
  return planar;
}

Radial<double> make_radial(double b) {
  Radial<double> radial(kDim);
  radial.center << 0.4, -0.3;
  radial.a = -0.5, radial.b = b;
  return radial;
}

// A layer in the middle of its training. moves: the columns that move.
std::shared_ptr<CouplingLayer<double>> make_coupling(CouplingKind kind, std::vector<std::int64_t> moves,
                                                     bool residual = false) {
  auto layer = std::make_shared<CouplingLayer<double>>(CouplingOptions{.kind = kind,
                                                                       .dim = kDim,
                                                                       .condition_dim = 1,
                                                                       .moved = std::move(moves),
                                                                       .hidden = {7, 7},
                                                                       .residual = residual,
                                                                       .bins = 5,
                                                                       .box = 1.5});  // some points are outside of it
  Engine engine = make_stream(4, "transform_test");
  Matrix<double> theta(layer->parameter_count(), 1);
  fill_normal<double>(engine, theta);
  layer->set_theta(theta.col(0));
  return layer;
}

struct Named {
  std::string name;
  std::shared_ptr<Transform<double>> transform;
};

std::vector<Named> every_transform() {
  return {{"cnf", std::make_shared<Cnf<double>>(make_cnf(FieldClock::base_to_data))},
          {"cnf on FFJORD's clock", std::make_shared<Cnf<double>>(make_cnf(FieldClock::data_to_base))},
          {"batch_norm", std::make_shared<BatchNorm<double>>(make_norm())},
          {"affine", std::make_shared<Affine<double>>(Vector<double>{{1, -2}}, Vector<double>{{0.5, 3}})},
          {"logit", std::make_shared<Logit<double>>(kDim, 0.05)},
          {"planar", std::make_shared<Planar<double>>(make_planar())},
          {"radial, outward", std::make_shared<Radial<double>>(make_radial(1.5))},
          {"radial, inward", std::make_shared<Radial<double>>(make_radial(-1.5))},
          {"spline coupling", make_coupling(CouplingKind::spline, {1})},
          {"residual spline coupling of the first column", make_coupling(CouplingKind::spline, {0}, true)},
          {"spline of both columns by the condition", make_coupling(CouplingKind::spline, {1, 0})},
          {"affine coupling", make_coupling(CouplingKind::affine, {0})},
          {"residual affine coupling of the second column", make_coupling(CouplingKind::affine, {1}, true)},
          {"affine coupling of both columns by the condition", make_coupling(CouplingKind::affine, {1, 0})},
          {"marginals", std::make_shared<Marginals>(make_marginals())},
          {"linear", std::make_shared<Linear<double>>((Matrix<double>(2, 2) << 0.5, 9, -1.5, 2).finished())},
          {"bounds below, and on both sides",
           std::make_shared<Bounds<double>>(Vector<double>{{-1.5, -1.2}}, Vector<double>{{kInfinity, 1.4}})},
          {"bounds above, and none",
           std::make_shared<Bounds<double>>(Vector<double>{{-kInfinity, -kInfinity}}, Vector<double>{{2, kInfinity}})}};
}

// One call's surroundings.
struct Surroundings {
  TransformScratch<double> scratch;
  SolveOptions<double> options{.solver = {.rtol = 1e-11, .atol = 1e-11}};
  Matrix<double> condition = Matrix<double>::Constant(1, kBatch, 0.4);
  TransformContext<double> context() { return {scratch, options, condition}; }
};

Matrix<double> points_for(const Transform<double>& t, Direction direction) {
  Matrix<double> z(kDim, kBatch);
  Engine engine = make_stream(2, "transform_test");
  fill_normal<double>(engine, z);
  if (t.kind() == "logit" && direction == Direction::data_to_base) z = 0.5 + 0.4 * z.array().tanh();
  if (t.kind() == "bounds" && direction == Direction::data_to_base) z = z.array().tanh();
  return z;
}

struct Image {
  Matrix<double> z;
  RowVector<double> log_det;
};

Image image(const Transform<double>& t, Direction direction, const Matrix<double>& z, Surroundings& s) {
  Image out{z, RowVector<double>::Zero(z.cols())};
  EXPECT_TRUE(t.apply(direction, out.z, &out.log_det, s.context(), nullptr).ok());
  return out;
}

TEST(Transform, InverseUndoesItAndTheLogDeterminantsCancel) {
  for (const auto& [name, t] : every_transform()) {
    Surroundings s;
    const Matrix<double> z = points_for(*t, Direction::base_to_data);
    const auto up = image(*t, Direction::base_to_data, z, s), down = image(*t, Direction::data_to_base, up.z, s);
    EXPECT_LT((down.z - z).cwiseAbs().maxCoeff(), 1e-9) << name;  // 1e-11 a step
    EXPECT_LT((down.log_det + up.log_det).cwiseAbs().maxCoeff(), 1e-9) << name;
  }
}

TEST(Transform, LogDeterminantIsThatOfTheJacobianByDifferences) {
  const double h = 1e-5;  // its square, and 1e-11 / h of the solves
  for (const auto& [name, t] : every_transform())
    for (auto direction : {Direction::base_to_data, Direction::data_to_base}) {
      Surroundings s;
      const Matrix<double> z = points_for(*t, direction);
      std::vector<Matrix<double>> columns;  // d z_out / d z_in_j of every sample
      for (Index j = 0; j < kDim; ++j) {
        Matrix<double> above = z, below = z;
        above.row(j).array() += h, below.row(j).array() -= h;
        columns.push_back((image(*t, direction, above, s).z - image(*t, direction, below, s).z) / (2 * h));
      }
      const auto got = image(*t, direction, z, s);
      for (Index b = 0; b < kBatch; ++b) {
        const double det = columns[0](0, b) * columns[1](1, b) - columns[0](1, b) * columns[1](0, b);
        EXPECT_NEAR(got.log_det[b], std::log(std::abs(det)), 2e-6) << name;
      }
    }
}

// sum_b a_b . z_out_b + w_b log_det_b, with weights of its own for each sample: what a pullback is the gradient of.
TEST(Transform, PullbackIsTheGradientByInputParametersAndConditionInEachDirection) {
  const double h = 1e-5;
  for (const auto& [name, t] : every_transform())
    for (auto direction : {Direction::base_to_data, Direction::data_to_base})
      for (auto adjoint : {AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve}) {
        if (t->duration() == 0 && adjoint != AdjointKind::discrete) continue;
        Surroundings s;
        s.options.adjoint = adjoint;
        Engine engine = make_stream(3, "transform_test");
        Matrix<double> a(kDim, kBatch), w(1, kBatch), dz(kDim, kBatch), dc(1, kBatch);
        for (auto* m : {&a, &w, &dz, &dc}) fill_normal<double>(engine, *m);
        const Matrix<double> z = points_for(*t, direction), c = s.condition;
        auto moved = t->clone();
        auto loss = [&](const Matrix<double>& in) {
          const auto out = image(*moved, direction, in, s);
          return out.z.cwiseProduct(a).sum() + out.log_det.cwiseProduct(w.row(0)).sum();
        };

        Matrix<double> bar = z, c_bar = Matrix<double>::Zero(1, kBatch);
        RowVector<double> log_det = RowVector<double>::Zero(kBatch);
        const RowVector<double> log_det_bar = w.row(0);
        auto tape = t->make_tape();
        ASSERT_TRUE(t->apply(direction, bar, &log_det, s.context(), tape.get()).ok());
        EXPECT_NEAR(tape->log_det, log_det.sum(), 1e-9) << name;
        bar = a;
        Vector<double> theta_bar = Vector<double>::Zero(t->parameter_count());
        EndTimes ends;
        ASSERT_TRUE(t->pullback(direction, *tape, {bar, log_det_bar, theta_bar, c_bar, &ends}, s.context()).ok());
        t->add_time_gradient(ends, theta_bar);

        const double by_z = (loss(z + h * dz) - loss(z - h * dz)) / (2 * h);
        EXPECT_NEAR(bar.cwiseProduct(dz).sum(), by_z, 1e-5 * (1 + std::abs(by_z))) << name << to_string(adjoint);
        const Vector<double> theta = t->theta();
        EXPECT_EQ(theta.size(), t->parameter_count()) << name;
        for (const auto& p : t->parameters()) {
          Matrix<double> direction_of(p.size(), 1);
          fill_normal<double>(engine, direction_of);
          Vector<double> step = Vector<double>::Zero(theta.size());
          step.segment(p.offset, p.size()) = direction_of.col(0).normalized();
          moved->set_theta(theta + h * step);
          const double above = loss(z);
          moved->set_theta(theta - h * step);
          const double by_theta = (above - loss(z)) / (2 * h);
          moved->set_theta(theta);
          EXPECT_NEAR(theta_bar.dot(step), by_theta, 1e-5 * (1 + std::abs(by_theta)))
              << name << " " << p.name << " " << to_string(adjoint);
        }
        if (t->condition_dim() == 0) continue;
        s.condition = c + h * dc;
        const double above = loss(z);
        s.condition = c - h * dc;
        const double by_c = (above - loss(z)) / (2 * h);
        EXPECT_NEAR(c_bar.cwiseProduct(dc).sum(), by_c, 1e-5 * (1 + std::abs(by_c))) << to_string(adjoint);
      }
}

TEST(Transform, ACopyOfACnfHasAFieldOfItsOwnAndAShareHasTheSame) {
  const auto cnf = make_cnf(FieldClock::base_to_data);
  const Vector<double> theta = cnf.theta();
  auto copy = cnf.clone();
  copy->set_theta(theta * 2);
  EXPECT_EQ(cnf.theta(), theta);
  cnf.share()->set_theta(theta * 2);
  EXPECT_EQ(cnf.field->theta(), copy->theta().head(cnf.field->theta().size()));
}

TEST(Transform, LogitNamesThePointOfTheWholeBatch) {
  Surroundings s;
  auto context = s.context();
  context.first_sample = 128;
  Matrix<double> x = Matrix<double>::Constant(kDim, 3, 0.5);
  x(1, 2) = 1.5;
  try {
    Logit<double>(kDim, 0.05).apply(Direction::data_to_base, x, nullptr, context, nullptr);
    FAIL();
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("point 131, column 2: 1.5"), std::string::npos) << e.what();
  }
}

// A point outside is not an error: its density is 0, whatever its other columns are.
TEST(Transform, BoundsGiveNoDensityOutsideAndNoSampleAtABound) {
  const Bounds<double> bounds(Vector<double>{{0, -1}}, Vector<double>{{kInfinity, 1}});
  Surroundings s;
  Matrix<double> x(kDim, 5);
  x << 1, 0, -2, 3, 1e-300, 0.5, 0, 0, 1, 0.5;
  const auto got = image(bounds, Direction::data_to_base, x, s);
  for (const Index outside : {1, 2, 3}) EXPECT_EQ(got.log_det[outside], -kInfinity);
  for (const Index within : {0, 4}) EXPECT_TRUE(std::isfinite(got.log_det[within]));
  EXPECT_TRUE(got.z.allFinite());
  EXPECT_EQ(bounds.contains(x), (std::vector<bool>{true, false, false, false, true}));

  Matrix<double> z(kDim, 3);
  z << -800, 800, 0, -800, 800, 40;  // far beyond what a double tells from the bounds
  const auto samples = image(bounds, Direction::base_to_data, z, s);
  for (const bool within : bounds.contains(samples.z.leftCols(1))) EXPECT_TRUE(within);
  EXPECT_GT(samples.z(1, 0), -1);
  EXPECT_LT(samples.z(1, 1), 1);
  EXPECT_LT(samples.z(1, 2), 1);
  // At a bound, as at the place that stands for it; beyond, nothing changes.
  const Bounds<double> closed(Vector<double>{{0, -1}}, Vector<double>{{kInfinity, 1}}, Vector<double>{{0.25, 0.5}});
  Matrix<double> at(kDim, 4), stands_for(kDim, 4);
  at << 0, 1, 1, -1e-9, 0, -1, 1, 0, stands_for << 0.25, 1, 1, -1e-9, 0, -0.5, 0.5, 0;
  const auto on_bound = image(closed, Direction::data_to_base, at, s);
  const auto within = image(closed, Direction::data_to_base, stands_for, s);
  EXPECT_EQ(on_bound.z, within.z);
  EXPECT_EQ(on_bound.log_det, within.log_det);
  EXPECT_TRUE(on_bound.log_det.head(3).allFinite());
  EXPECT_EQ(on_bound.log_det[3], -kInfinity);
  EXPECT_THROW(Bounds<double>(Vector<double>{{0}}, Vector<double>{{1.0}}, Vector<double>{{0.5}}), InputError);
  EXPECT_THROW(Bounds<double>(Vector<double>{{1.0}}, Vector<double>{{1.0}}), InputError);
  EXPECT_THROW(Bounds<double>(Vector<double>{{std::nan("")}}, Vector<double>{{1.0}}), InputError);
}

}  // namespace
}  // namespace pathline
