#include "pathline/field/autodiff_field.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"
#include "pathline/core/random.hpp"

namespace pathline {
namespace {

// Every input enters every component, none linearly: time, state, condition, parameters, branches, powers, products
// with plain numbers of another precision.
struct Tangled {
  template <class T>
  void operator()(const T& t, const Vector<T>& z, const Vector<T>& c, const Vector<T>& theta, Vector<T>& f) const {
    const T drive = sin(2 * t) + (c.size() > 0 ? T(c.squaredNorm()) : T(0.25));
    f = exp(theta[0]) * (theta[1] * drive - 2.0 * z.array()).matrix();
    for (Index i = 0; i < z.size(); ++i) {
      const T next = z[(i + 1) % z.size()];
      f[i] += tanh(theta[2] * next * z[i]) + (next > 0 ? next * t : -next * next) + pow(1 + z[i] * z[i], theta[3]);
    }
  }
};
const std::vector<FieldParameter> kTangledParameters = {
    {"a", -0.3}, {"b", {0.7, 1.1}}, {"power", Matrix<double>{{0.4}}}};

struct AutoDiffCase {
  Index dim, condition;
  int probes;  // 0: the identity; -1: no direction
};

template <class S> struct AutoDiffFixture {
  explicit AutoDiffFixture(const AutoDiffCase& c)
      : field(make_field<S>(Tangled{}, c.dim, kTangledParameters, c.condition)) {
    z = random(c.dim, kBatch), condition = random(c.condition, kBatch);
    const int k = c.probes > 0 ? c.probes : c.probes == 0 ? static_cast<int>(c.dim) : 0;
    e = random(c.dim, k * kBatch);
    if (c.probes > 0) directions = {TangentDirections<S>::Kind::probes, c.probes, e.data()};
    if (c.probes == 0) {
      directions = TangentDirections<S>::identity(c.dim);
      directions.write(c.dim, kBatch, e);
    }
    f_bar = random(c.dim, kBatch), je_bar = random(c.dim, k * kBatch);
  }
  Matrix<S> random(Index rows, Index cols) {
    Matrix<double> m(rows, cols);
    fill_normal<double>(engine, m);
    return m.cast<S>();
  }
  // f_bar . f + je_bar . J E: what pullback differentiates.
  double paired(double at, const Matrix<S>& at_z, const Matrix<S>& at_c) {
    Matrix<S> f(z.rows(), kBatch), je(z.rows(), e.cols());
    field->tangents({at, at_z, at_c}, directions, f, je, work);
    return static_cast<double>(f.cwiseProduct(f_bar).sum() + je.cwiseProduct(je_bar).sum());
  }

  struct Gradient {
    Matrix<S> z, c;
    Vector<S> theta;
    double t = 0;
  };
  Gradient gradient(bool parameters = true) {
    Gradient g{Matrix<S>::Constant(z.rows(), kBatch, NAN), Matrix<S>::Zero(condition.rows(), kBatch),
               Vector<S>::Zero(parameters ? field->theta().size() : 0)};
    field->pullback({t, z, condition}, directions, f_bar, je_bar, {g.z, g.c, g.theta, &g.t}, work);
    return g;
  }

  static constexpr Index kBatch = 3;
  Engine engine = make_stream(3, "autodiff_field_test");
  std::shared_ptr<AutoDiffField<S, Tangled>> field;
  Workspace<S> work;
  double t = 0.37;
  Matrix<S> z, condition, e, f_bar, je_bar;
  TangentDirections<S> directions;
};

class AutoDiffFieldShapes : public testing::TestWithParam<AutoDiffCase> {};

// Central differences: the truncation is h^2 / 6 times a third derivative of up to 1e3, the rounding 1e-16 / h.
constexpr double kAutoDiffStep = 1e-5, kAutoDiffTolerance = 2e-7;

TEST_P(AutoDiffFieldShapes, TangentsAreDifferencesOfValues) {
  AutoDiffFixture<double> s(GetParam());
  const Index d = s.z.rows(), batch = s.kBatch;
  Matrix<double> f(d, batch), je(d, s.e.cols()), alone(d, batch), up(d, batch), down(d, batch);
  s.field->tangents({s.t, s.z, s.condition}, s.directions, f, je, s.work);
  s.field->value({s.t, s.z, s.condition}, alone, s.work);
  // The compiler may join a product and a sum into one rounding in one of the two and not in the other.
  EXPECT_LT((f - alone).norm(), 1e-14 * f.norm());
  for (Index j = 0; j < s.directions.k; ++j) {
    const Matrix<double> e = s.e.middleCols(j * batch, batch);
    s.field->value({s.t, s.z + kAutoDiffStep * e, s.condition}, up, s.work);
    s.field->value({s.t, s.z - kAutoDiffStep * e, s.condition}, down, s.work);
    EXPECT_LT((je.middleCols(j * batch, batch) - (up - down) / (2 * kAutoDiffStep)).cwiseAbs().maxCoeff(),
              kAutoDiffTolerance);
  }
}

TEST_P(AutoDiffFieldShapes, PullbackIsTheGradientByEveryInput) {
  AutoDiffFixture<double> s(GetParam());
  const auto g = s.gradient();
  const auto difference = [&](const Matrix<double>& dz, const Matrix<double>& dc, double dt) {
    return (s.paired(s.t + kAutoDiffStep * dt, s.z + kAutoDiffStep * dz, s.condition + kAutoDiffStep * dc) -
            s.paired(s.t - kAutoDiffStep * dt, s.z - kAutoDiffStep * dz, s.condition - kAutoDiffStep * dc)) /
           (2 * kAutoDiffStep);
  };
  const Matrix<double> no_z = 0 * s.z, no_c = 0 * s.condition, dz = s.random(s.z.rows(), s.kBatch);
  EXPECT_NEAR(g.z.cwiseProduct(dz).sum(), difference(dz, no_c, 0), kAutoDiffTolerance * (1 + g.z.norm()));
  EXPECT_NEAR(g.t, difference(no_z, no_c, 1), kAutoDiffTolerance * (1 + std::abs(g.t)));
  const Matrix<double> dc = s.random(s.condition.rows(), s.kBatch);
  EXPECT_NEAR(g.c.cwiseProduct(dc).sum(), difference(no_z, dc, 0), kAutoDiffTolerance * (1 + g.c.norm()));
  const Vector<double> theta = s.field->theta();
  for (Index i = 0; i < theta.size(); ++i) {
    const Vector<double> step = kAutoDiffStep * Vector<double>::Unit(theta.size(), i);
    s.field->set_theta(theta + step);
    const double up = s.paired(s.t, s.z, s.condition);
    s.field->set_theta(theta - step);
    EXPECT_NEAR(g.theta[i], (up - s.paired(s.t, s.z, s.condition)) / (2 * kAutoDiffStep),
                kAutoDiffTolerance * (1 + g.theta.norm()));
  }
}

TEST_P(AutoDiffFieldShapes, PullbackAddsAndLeavesOutWhatIsNotAsked) {
  AutoDiffFixture<double> s(GetParam());
  const auto g = s.gradient(), without = s.gradient(false);
  EXPECT_EQ(g.z, without.z);
  EXPECT_EQ(g.c, without.c);
  EXPECT_EQ(without.t, 0);
  auto twice = g;
  s.field->pullback({s.t, s.z, s.condition}, s.directions, s.f_bar, s.je_bar, {twice.z, twice.c, twice.theta, &twice.t},
                    s.work);
  EXPECT_EQ(twice.z, g.z);
  // Sums over three samples in another order: a few roundings.
  EXPECT_LT((twice.theta - 2 * g.theta).norm(), 1e-14 * (1 + g.theta.norm()));
  EXPECT_NEAR(twice.t, 2 * g.t, 1e-14 * (1 + std::abs(g.t)));
  EXPECT_EQ(twice.c, 2 * g.c);
}

TEST_P(AutoDiffFieldShapes, FloatAgreesWithDouble) {
  AutoDiffFixture<double> s(GetParam());
  AutoDiffFixture<float> single(GetParam());
  const auto g = s.gradient();
  const auto h = single.gradient();
  // 2^-24 a rounding, some tens of them, and second derivatives of up to ten times the gradient.
  const auto near = [](const auto& a, const auto& b) {
    return (a - b.template cast<double>()).norm() <= 3e-5 * (1 + a.norm());
  };
  EXPECT_TRUE(near(g.z, h.z)) << g.z << "\n" << h.z;
  EXPECT_TRUE(near(g.c, h.c));
  EXPECT_TRUE(near(g.theta, h.theta)) << g.theta << "\n" << h.theta;
  EXPECT_NEAR(g.t, h.t, 3e-5 * (1 + std::abs(g.t)));
}

INSTANTIATE_TEST_SUITE_P(All, AutoDiffFieldShapes,
                         testing::Values(AutoDiffCase{1, 0, 0}, AutoDiffCase{1, 1, 1}, AutoDiffCase{2, 3, 0},
                                         AutoDiffCase{3, 1, 2}, AutoDiffCase{5, 0, 0}, AutoDiffCase{5, 2, 6},
                                         AutoDiffCase{3, 2, -1}));

TEST(AutoDiffField, NamesItsParametersRowByRow) {
  const auto f = [](const auto&, const auto& z, const auto&, const auto&, auto& out) { out = -z; };
  const auto field = make_field<float>(f, 2, {{"rate", 1.5}, {"w", Matrix<double>{{1, 2}, {3, 4}}}, {"mu", {5, 6}}});
  ASSERT_EQ(field->parameters().size(), 3u);
  EXPECT_EQ(field->parameters()[1].name, "w");
  EXPECT_EQ(field->parameters()[1].rows, 2);
  EXPECT_EQ(field->parameters()[1].cols, 2);
  EXPECT_EQ(field->parameters()[2].rows, 2);
  EXPECT_EQ(field->parameters()[2].cols, 1);
  EXPECT_EQ(field->theta(), (Vector<float>{{1.5f, 1, 2, 3, 4, 5, 6}}));
  auto copy = field->clone();
  copy->set_theta(Vector<float>::Zero(7));
  EXPECT_EQ(field->theta()[0], 1.5f);
}

// An empty theta means "not asked for", but there may be nothing to ask for.
TEST(AutoDiffField, AFieldWithoutParametersHasADerivativeByTime) {
  const auto field =
      make_field<double>([](const auto& t, const auto& z, const auto&, const auto&, auto& f) { f = t * t * z; }, 1);
  const Matrix<double> z{{3.0}}, none(0, 0), f_bar{{1.0}}, no_je(1, 0);
  Matrix<double> z_bar(1, 1), c_bar(0, 0);
  Vector<double> theta_bar(0);
  double t_bar = 0;
  Workspace<double> work;
  field->pullback({0.5, z, none}, {}, f_bar, no_je, {z_bar, c_bar, theta_bar, &t_bar}, work);
  EXPECT_DOUBLE_EQ(z_bar(0, 0), 0.25);
  EXPECT_DOUBLE_EQ(t_bar, 3);
}

// A component that the function forgets must not be whatever was in memory, or the last sample's.
TEST(AutoDiffField, AComponentThatIsNotWrittenIsNaN) {
  const auto field = make_field<double>(
      [](const auto&, const auto& z, const auto&, const auto&, auto& f) {
        if (z[0] < 1)
          f = z;
        else
          f[0] = z[0];
      },
      2);
  const Matrix<double> z{{0.0, 3.0}, {0.0, 1.0}}, none(0, 0);
  Matrix<double> f(2, 2);
  Workspace<double> work;
  field->value({0, z, none}, f, work);
  EXPECT_EQ(f(0, 1), 3);
  EXPECT_TRUE(std::isnan(f(1, 1)));
}

TEST(AutoDiffField, RefusesWhatCannotBeAField) {
  const auto f = [](const auto&, const auto& z, const auto&, const auto&, auto& out) { out = -z; };
  const auto shorter = [](const auto&, const auto& z, const auto&, const auto&, auto& out) { out = z.tail(1); };
  EXPECT_EQ(message([&] { make_field<double>(f, 0); }), "AutoDiffField: dim = 0: must be >= 1");
  EXPECT_EQ(message([&] { make_field<double>(f, 1, {}, -1); }), "AutoDiffField: condition_dim = -1: must be >= 0");
  EXPECT_EQ(message([&] {
              make_field<double>(f, 1, {{"a", 1.0}, {"a", 2.0}});
            }),
            "AutoDiffField: two parameters have the name 'a'");
  EXPECT_EQ(message([&] { make_field<double>(f, 1, {{"", 1.0}}); }), "AutoDiffField: the name of a parameter is empty");
  EXPECT_EQ(message([&] {
              make_field<double>(f, 1, {{"a", {1.0, NAN}}});
            }),
            "AutoDiffField: the initial values of 'a' must be finite");
  EXPECT_EQ(message([&] { make_field<double>(shorter, 2); }),
            "AutoDiffField: the function wrote f with 1 components: must be dim = 2");
}

}  // namespace
}  // namespace pathline
