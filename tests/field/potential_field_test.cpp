#include "pathline/field/potential_field.hpp"

#include <gtest/gtest.h>

#include "core/every_instruction_set.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

struct PotentialCase {
  Index dim, condition, width, layers, rank;
  int probes;  // 0: identity directions
};

// A random potential and everything around it, in double. f has the row of the potential's rate.
struct PotentialFixture {
  explicit PotentialFixture(const PotentialCase& c)
      : field({.dim = c.dim, .condition_dim = c.condition, .width = c.width, .layers = c.layers, .rank = c.rank}) {
    field.initialize(engine);
    field.set_theta(field.theta() + 0.3 * random(field.theta().size(), 1));
    z = random(c.dim, kBatch), condition = random(c.condition, kBatch), e = random(c.dim, c.probes * kBatch);
    directions = c.probes > 0 ? TangentDirections<double>{TangentDirections<double>::Kind::probes, c.probes, e.data()}
                              : TangentDirections<double>::identity(c.dim);
    f_bar = random(c.dim + 1, kBatch), je_bar = random(c.dim, directions.k * kBatch);
  }
  Matrix<double> random(Index rows, Index cols) {
    Matrix<double> m(rows, cols);
    fill_normal<double>(engine, m);
    return m;
  }
  double paired(double at, const Matrix<double>& at_z, const Matrix<double>& at_c) {
    Matrix<double> f(z.rows() + 1, kBatch), je(z.rows(), directions.k * kBatch);
    field.tangents({at, at_z, at_c}, directions, f, je, work);
    return f.cwiseProduct(f_bar).sum() + je.cwiseProduct(je_bar).sum();
  }
  Matrix<double> potential(double at, const Matrix<double>& at_z) {
    Matrix<double> phi(1, kBatch);
    field.potential({at, at_z, condition}, phi, work);
    return phi;
  }

  static constexpr Index kBatch = 4;
  Engine engine = make_stream(8, "potential_field_test");
  PotentialField<double> field;
  Workspace<double> work;
  double t = 0.37;
  Matrix<double> z, condition, e, f_bar, je_bar;
  TangentDirections<double> directions;
};

class PotentialFieldShapes : public testing::TestWithParam<PotentialCase> {};

// Central differences, as in mlp_test.cpp.
constexpr double kPotentialStep = 1e-5, kTolerance = 2e-7;

TEST_P(PotentialFieldShapes, FieldAndRateAreThePotentialsDerivatives) {
  PotentialFixture s(GetParam());
  const Index d = s.z.rows();
  Matrix<double> f(d + 1, s.kBatch), je(d, s.directions.k * s.kBatch), alone(d, s.kBatch);
  s.field.tangents({s.t, s.z, s.condition}, s.directions, f, je, s.work);
  s.field.value({s.t, s.z, s.condition}, alone, s.work);
  EXPECT_LT((f.topRows(d) - alone).cwiseAbs().maxCoeff(), 1e-14);
  for (Index i = 0; i < d; ++i) {
    Matrix<double> up = s.z, down = s.z;
    up.row(i).array() += kPotentialStep, down.row(i).array() -= kPotentialStep;
    const Matrix<double> slope = (s.potential(s.t, up) - s.potential(s.t, down)) / (2 * kPotentialStep);
    EXPECT_LT((f.row(i) + slope).cwiseAbs().maxCoeff(), 1e-8);
  }
  const Matrix<double> rate =
      (s.potential(s.t + kPotentialStep, s.z) - s.potential(s.t - kPotentialStep, s.z)) / (2 * kPotentialStep);
  EXPECT_LT((f.row(d) - rate).cwiseAbs().maxCoeff(), 1e-8);
}

TEST_P(PotentialFieldShapes, InstructionSetsAgreeUpToRounding) {
  PotentialFixture s(GetParam());
  const Index d = s.z.rows(), k = s.directions.k;
  Matrix<double> widest(d + 1, s.kBatch), widest_je(d, k * s.kBatch), f(d + 1, s.kBatch), je(d, k * s.kBatch);
  s.field.tangents({s.t, s.z, s.condition}, s.directions, widest, widest_je, s.work);
  with_every_instruction_set([&] {
    s.field.tangents({s.t, s.z, s.condition}, s.directions, f, je, s.work);
    EXPECT_LT((f - widest).norm(), 1e-13 * (1 + f.norm()));  // some hundred roundings of 1e-16
    EXPECT_LT((je - widest_je).norm(), 1e-13 * (1 + je.norm()));
  });
}

TEST_P(PotentialFieldShapes, TangentsAreTheJacobian) {
  PotentialFixture s(GetParam());
  const Index d = s.z.rows(), k = s.directions.k;
  Matrix<double> f(d, s.kBatch), je(d, k * s.kBatch), e(d, k * s.kBatch), up(d, s.kBatch), down(d, s.kBatch);
  s.directions.write(d, s.kBatch, e);
  s.field.tangents({s.t, s.z, s.condition}, s.directions, f, je, s.work);
  for (Index j = 0; j < k; ++j) {
    const Matrix<double> step = kPotentialStep * e.middleCols(j * s.kBatch, s.kBatch);
    s.field.value({s.t, s.z + step, s.condition}, up, s.work);
    s.field.value({s.t, s.z - step, s.condition}, down, s.work);
    EXPECT_LT((je.middleCols(j * s.kBatch, s.kBatch) - (up - down) / (2 * kPotentialStep)).cwiseAbs().maxCoeff(), 1e-8);
  }
}

TEST_P(PotentialFieldShapes, PullbackIsTheTransposeOfFiniteDifferences) {
  PotentialFixture s(GetParam());
  const Index d = s.z.rows();
  Matrix<double> z_bar(d, s.kBatch), c_bar = Matrix<double>::Zero(s.condition.rows(), s.kBatch);
  Vector<double> theta_bar = Vector<double>::Zero(s.field.theta().size());
  double t_bar = 0;
  s.field.pullback({s.t, s.z, s.condition}, s.directions, s.f_bar, s.je_bar, {z_bar, c_bar, theta_bar, &t_bar}, s.work);
  auto expect = [](double got, double along, const std::string& what) {
    EXPECT_NEAR(got, along, kTolerance * (1 + std::abs(along))) << what;
  };
  const Matrix<double> dz = s.random(d, s.kBatch), dc = s.random(s.condition.rows(), s.kBatch);
  auto slope = [&](double ht, const Matrix<double>& hz, const Matrix<double>& hc) {
    return (s.paired(s.t + kPotentialStep * ht, s.z + kPotentialStep * hz, s.condition + kPotentialStep * hc) -
            s.paired(s.t - kPotentialStep * ht, s.z - kPotentialStep * hz, s.condition - kPotentialStep * hc)) /
           (2 * kPotentialStep);
  };
  expect(z_bar.cwiseProduct(dz).sum(), slope(0, dz, 0 * dc), "z");
  expect(c_bar.cwiseProduct(dc).sum(), slope(0, 0 * dz, dc), "c");
  expect(t_bar, slope(1, 0 * dz, 0 * dc), "t");
  const Vector<double> theta = s.field.theta();
  for (const auto& p : s.field.parameters()) {
    Vector<double> step = Vector<double>::Zero(theta.size());
    step.segment(p.offset, p.size()) = s.random(p.size(), 1);
    s.field.set_theta(theta + kPotentialStep * step);
    const double up = s.paired(s.t, s.z, s.condition);
    s.field.set_theta(theta - kPotentialStep * step);
    expect(theta_bar.dot(step), (up - s.paired(s.t, s.z, s.condition)) / (2 * kPotentialStep), p.name);
  }
}

// The trainer's one pass does what tangents and pullback do, and what is not asked for is not touched.
TEST_P(PotentialFieldShapes, OnePassIsTangentsThenPullback) {
  PotentialFixture s(GetParam());
  const Index d = s.z.rows(), p = s.field.theta().size();
  class Rule final : public CotangentRule<double> {
   public:
    explicit Rule(const PotentialFixture& s) : s_(s) {}
    void operator()(ConstMatrixRef<double>, ConstMatrixRef<double>, MatrixRef<double> f_bar,
                    MatrixRef<double> je_bar) override {
      f_bar = s_.f_bar, je_bar = s_.je_bar;
    }
    const PotentialFixture& s_;
  } rule(s);
  Matrix<double> f(d + 1, s.kBatch), je(d, s.directions.k * s.kBatch), z[3], c[3];
  Vector<double> theta[3];
  double t[3] = {0, 0, 0};
  for (int i = 0; i < 3; ++i) {
    z[i].resize(d, s.kBatch), c[i].setZero(s.condition.rows(), s.kBatch), theta[i].setZero(i < 2 ? p : 0);
    const FieldCotangent<double> to{z[i], c[i], theta[i], &t[i]};
    if (i == 1)
      s.field.pullback({s.t, s.z, s.condition}, s.directions, s.f_bar, s.je_bar, to, s.work);
    else
      s.field.tangents_and_pullback({s.t, s.z, s.condition}, s.directions, rule, f, je, to, s.work);
  }
  EXPECT_EQ(z[0], z[1]);
  EXPECT_EQ(z[0], z[2]);
  EXPECT_EQ(theta[0], theta[1]);
  EXPECT_EQ(t[0], t[1]);
  EXPECT_EQ(t[2], 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, PotentialFieldShapes,
                         testing::Values(PotentialCase{2, 0, 9, 2, 10, 0}, PotentialCase{1, 0, 5, 1, 1, 0},
                                         PotentialCase{3, 2, 7, 3, 2, 0}, PotentialCase{5, 1, 8, 4, 3, 2},
                                         PotentialCase{2, 0, 6, 2, 3, 1}));

TEST(PotentialField, FloatAgreesWithDouble) {
  PotentialFixture s({2, 1, 32, 3, 10, 0});
  PotentialField<float> single(s.field.options());
  single.set_theta(s.field.theta().cast<float>());
  Workspace<float> work;
  const Matrix<float> z = s.z.cast<float>(), c = s.condition.cast<float>();
  Matrix<double> f(2, s.kBatch), je(2, 2 * s.kBatch);
  Matrix<float> f1(2, s.kBatch), je1(2, 2 * s.kBatch);
  s.field.tangents({s.t, s.z, s.condition}, s.directions, f, je, s.work);
  single.tangents({s.t, z, c}, TangentDirections<float>::identity(2), f1, je1, work);
  EXPECT_LT((f1.cast<double>() - f).norm() / f.norm(), 1e-5);
  EXPECT_LT((je1.cast<double>() - je).norm() / je.norm(), 1e-5);
}

TEST(PotentialField, FarOutItDoesNotOverflow) {
  PotentialFixture s({2, 0, 8, 2, 2, 0});
  EXPECT_TRUE(s.potential(0.1, 1e4 * s.z).allFinite());
  Matrix<double> f(2, s.kBatch), je(2, 2 * s.kBatch);
  s.field.tangents({s.t, 1e4 * s.z, s.condition}, s.directions, f, je, s.work);
  EXPECT_TRUE(f.allFinite() && je.allFinite());
}

TEST(PotentialField, SizesBelowOneAreRefused) {
  EXPECT_THROW(PotentialField<float>({.width = 0}), InputError);
  EXPECT_THROW(PotentialField<float>({.layers = 0}), InputError);
}

// A sample's numbers do not depend on its neighbours, nor on how many there are. Eigen's products round a column by
// where it stands among the others, and so did the activations of a width that is no multiple of a packet.
template <class S> void expect_independent_bitwise(const PotentialFieldOptions& options) {
  PotentialField<S> field(options);
  Engine engine = make_stream(1, "independent");
  field.initialize(engine);
  const Index d = options.dim, most = 67;
  Matrix<S> z(d, most), c(options.condition_dim, most), f(d + 1, most), je(d, d * most);
  fill_normal<S>(engine, z), fill_normal<S>(engine, c);
  Workspace<S> work;
  field.tangents({0.1, z, c}, TangentDirections<S>::identity(d), f, je, work);
  for (Index batch = 1; batch < most; ++batch)
    for (Index begin : {Index{0}, (most - batch) / 2, most - batch}) {
      Matrix<S> f_part(d + 1, batch), je_part(d, d * batch);
      const Matrix<S> z_part = z.middleCols(begin, batch), c_part = c.middleCols(begin, batch);
      field.tangents({0.1, z_part, c_part}, TangentDirections<S>::identity(d), f_part, je_part, work);
      ASSERT_EQ(f_part, f.middleCols(begin, batch)) << batch << " samples from " << begin;
      for (Index j = 0; j < d; ++j)
        ASSERT_EQ(je_part.middleCols(j * batch, batch), je.middleCols(j * most + begin, batch))
            << batch << " samples from " << begin << ", tangent " << j;
    }
}

TEST(PotentialField, SamplesAreIndependentBitwise) {
  for (const PotentialFieldOptions& o : {PotentialFieldOptions{.dim = 2, .width = 32, .layers = 2, .rank = 3},
                                         {.dim = 3, .condition_dim = 2, .width = 21, .layers = 3, .rank = 4},
                                         {.dim = 1, .width = 7, .layers = 2, .rank = 1}}) {
    with_every_instruction_set([&] {
      expect_independent_bitwise<float>(o);
      expect_independent_bitwise<double>(o);
    });
  }
}

}  // namespace
}  // namespace pathline
