#include "pathline/field/mlp.hpp"

#include <gtest/gtest.h>

#include "core/every_instruction_set.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

struct MlpCase {
  LayerType layer;
  Activation activation;
  Index dim = 2;
  std::vector<Index> hidden = {19, 16};
  Index condition = 0;
  bool residual = false;
  Index frequencies = 0;
  int probes = 0;  // 0: identity directions
};

// A random network and everything around it, in double.
struct MlpFixture {
  explicit MlpFixture(const MlpCase& c, Index batch = 5)
      : field({.dim = c.dim,
               .condition_dim = c.condition,
               .hidden = c.hidden,
               .layer = c.layer,
               .activation = c.activation,
               .residual = c.residual,
               .time_features = c.frequencies}) {
    engine = make_stream(7, "mlp_test");
    field.initialize(engine);
    Vector<double> theta = field.theta() + 0.3 * random(field.theta().size(), 1);
    field.set_theta(theta);
    z = random(c.dim, batch), condition = random(c.condition, batch);
    e = random(c.dim, c.probes * batch);
    directions = c.probes > 0 ? TangentDirections<double>{TangentDirections<double>::Kind::probes, c.probes, e.data()}
                              : TangentDirections<double>::identity(c.dim);
    f_bar = random(c.dim, batch), je_bar = random(c.dim, directions.k * batch);
  }
  Matrix<double> random(Index rows, Index cols) {
    Matrix<double> m(rows, cols);
    fill_normal<double>(engine, m);
    return m;
  }
  // <(f_bar, je_bar), (f, J E)> at a point.
  double paired(double at, const Matrix<double>& at_z, const Matrix<double>& at_c) {
    Matrix<double> f(z.rows(), z.cols()), je(z.rows(), directions.k * z.cols());
    field.tangents({at, at_z, at_c}, directions, f, je, work);
    return f.cwiseProduct(f_bar).sum() + je.cwiseProduct(je_bar).sum();
  }
  struct Pulled {
    Matrix<double> z, c;
    Vector<double> theta;
    double t = 0;
  };
  Pulled pull() {
    Pulled p{Matrix<double>(z.rows(), z.cols()), Matrix<double>::Zero(condition.rows(), z.cols()),
             Vector<double>::Zero(field.theta().size())};
    field.pullback({t, z, condition}, directions, f_bar, je_bar, {p.z, p.c, p.theta, &p.t}, work);
    return p;
  }

  Engine engine{};
  Mlp<double> field;
  Workspace<double> work;
  double t = 0.37;
  Matrix<double> z, condition, e, f_bar, je_bar;
  TangentDirections<double> directions;
};

class MlpLayers : public ::testing::TestWithParam<MlpCase> {};

// Central differences: error h^2 f'''/6 + 1e-16 / h, about 1e-9 at h = 1e-5 for values of order 1 to 10.
constexpr double kMlpStep = 1e-5, kMlpTolerance = 2e-7;

// relu, elu: second derivatives jump where a preactivation changes its sign; none does within 1e-5 at this seed.
TEST_P(MlpLayers, PullbackIsTheTransposeOfFiniteDifferences) {
  MlpFixture s(GetParam());
  const auto p = s.pull();
  const Matrix<double> dz = s.random(s.z.rows(), s.z.cols()), dc = s.random(s.condition.rows(), s.condition.cols());
  const Matrix<double> z0 = s.z, c0 = s.condition;
  const double along_z =
      (s.paired(s.t, z0 + kMlpStep * dz, c0) - s.paired(s.t, z0 - kMlpStep * dz, c0)) / (2 * kMlpStep);
  EXPECT_NEAR(p.z.cwiseProduct(dz).sum(), along_z, kMlpTolerance * (1 + std::abs(along_z)));
  const double along_c =
      (s.paired(s.t, z0, c0 + kMlpStep * dc) - s.paired(s.t, z0, c0 - kMlpStep * dc)) / (2 * kMlpStep);
  EXPECT_NEAR(p.c.cwiseProduct(dc).sum(), along_c, kMlpTolerance * (1 + std::abs(along_c)));
  const double along_t = (s.paired(s.t + kMlpStep, z0, c0) - s.paired(s.t - kMlpStep, z0, c0)) / (2 * kMlpStep);
  EXPECT_NEAR(p.t, along_t, kMlpTolerance * (1 + std::abs(along_t)));

  const Vector<double> theta = s.field.theta();
  for (const auto& parameter : s.field.parameters()) {  // one direction in each array
    Vector<double> step = Vector<double>::Zero(theta.size());
    step.segment(parameter.offset, parameter.size()) = s.random(parameter.size(), 1);
    s.field.set_theta(theta + kMlpStep * step);
    const double up = s.paired(s.t, z0, c0);
    s.field.set_theta(theta - kMlpStep * step);
    const double along = (up - s.paired(s.t, z0, c0)) / (2 * kMlpStep);
    EXPECT_NEAR(p.theta.dot(step), along, kMlpTolerance * (1 + std::abs(along))) << parameter.name;
  }
}

TEST_P(MlpLayers, TangentsAreTheJacobian) {
  MlpFixture s(GetParam());
  const Index d = s.z.rows(), batch = s.z.cols(), k = s.directions.k;
  Matrix<double> f(d, batch), je(d, k * batch), e(d, k * batch), up(d, batch), down(d, batch), alone(d, batch);
  s.directions.write(d, batch, e);
  s.field.tangents({s.t, s.z, s.condition}, s.directions, f, je, s.work);
  s.field.value({s.t, s.z, s.condition}, alone, s.work);
  EXPECT_LT((f - alone).cwiseAbs().maxCoeff(), 1e-14);
  for (Index j = 0; j < k; ++j) {
    const Matrix<double> step = kMlpStep * e.middleCols(j * batch, batch);
    s.field.value({s.t, s.z + step, s.condition}, up, s.work);
    s.field.value({s.t, s.z - step, s.condition}, down, s.work);
    EXPECT_LT((je.middleCols(j * batch, batch) - (up - down) / (2 * kMlpStep)).cwiseAbs().maxCoeff(), 1e-7);
  }
}

// float and double share their code but not their packets: both must say the same.
TEST_P(MlpLayers, FloatAgreesWithDouble) {
  MlpFixture s(GetParam());
  const auto& o = s.field.options();
  Mlp<float> single(o);
  single.set_theta(s.field.theta().cast<float>());
  const Matrix<float> z = s.z.cast<float>(), c = s.condition.cast<float>(), e = s.e.cast<float>();
  TangentDirections<float> directions{static_cast<TangentDirections<float>::Kind>(s.directions.kind), s.directions.k,
                                      e.data()};
  const auto p = s.pull();
  with_every_instruction_set([&] {
    Workspace<float> work;
    Matrix<float> z_bar(z.rows(), z.cols()), c_bar = Matrix<float>::Zero(c.rows(), z.cols());
    Vector<float> theta_bar = Vector<float>::Zero(single.theta().size());
    double t_bar = 0;
    single.pullback({s.t, z, c}, directions, s.f_bar.cast<float>().eval(), s.je_bar.cast<float>().eval(),
                    {z_bar, c_bar, theta_bar, &t_bar}, work);
    const double tolerance = 2e-5;  // some hundred roundings of 6e-8
    EXPECT_LT((theta_bar.cast<double>() - p.theta).norm(), tolerance * (1 + p.theta.norm()));
    EXPECT_LT((z_bar.cast<double>() - p.z).norm(), tolerance * (1 + p.z.norm()));
    EXPECT_NEAR(t_bar, p.t, tolerance * (10 + std::abs(p.t)));
  });
}

TEST_P(MlpLayers, InstructionSetsAgreeUpToRounding) {
  MlpFixture s(GetParam());
  const auto widest = s.pull();
  with_every_instruction_set([&] {
    const auto p = s.pull();
    const double tolerance = 1e-13;  // some hundred roundings of 1e-16
    EXPECT_LT((p.theta - widest.theta).norm(), tolerance * (1 + p.theta.norm()));
    EXPECT_LT((p.z - widest.z).norm(), tolerance * (1 + p.z.norm()));
    EXPECT_NEAR(p.t, widest.t, tolerance * (10 + std::abs(p.t)));
  });
}

std::vector<MlpCase> cases() {
  std::vector<MlpCase> list;
  for (std::size_t l = 0; l < layer_type_names().size(); ++l)
    for (std::size_t a = 0; a < activation_names().size(); ++a)
      list.push_back({static_cast<LayerType>(l), static_cast<Activation>(a)});
  const MlpCase usual{LayerType::concatsquash, Activation::tanh};
  auto with = [&](auto change) {
    MlpCase c = usual;
    change(c);
    list.push_back(c);
  };
  for (int probes : {1, 3}) with([&](MlpCase& c) { c.probes = probes; });
  for (Index dim : {1, 3, 17}) with([&](MlpCase& c) { c.dim = dim; });
  with([&](MlpCase& c) { c.dim = 20, c.probes = 2; });
  with([&](MlpCase& c) { c.condition = 3; });
  with([&](MlpCase& c) { c.condition = 1, c.layer = LayerType::hyper; });
  with([&](MlpCase& c) { c.residual = true, c.hidden = {18, 18, 18}; });
  with([&](MlpCase& c) { c.residual = true, c.hidden = {16, 16}, c.activation = Activation::swish, c.probes = 1; });
  with([&](MlpCase& c) { c.frequencies = 2; });
  with([&](MlpCase& c) { c.frequencies = 3, c.layer = LayerType::concat; });
  with([&](MlpCase& c) { c.frequencies = 1, c.layer = LayerType::hyper; });
  with([&](MlpCase& c) { c.hidden = {}; });
  with([&](MlpCase& c) { c.hidden = {1}; });
  with([&](MlpCase& c) { c.hidden = {70, 33, 130}; });
  return list;
}

INSTANTIATE_TEST_SUITE_P(Every, MlpLayers, ::testing::ValuesIn(cases()), [](const auto& info) {
  const MlpCase& c = info.param;
  return to_string(c.layer) + "_" + to_string(c.activation) + "_" + std::to_string(info.index);
});

// The gates of the first layer alone are no constant factors of the closed form of the trace.
TEST(Mlp, TimeAtTheInputEntersNoOtherLayer) {
  for (const auto layer : {LayerType::concat, LayerType::concatsquash, LayerType::squash, LayerType::hyper}) {
    Mlp<double> field({.hidden = {6, 5}, .layer = layer, .time_at_input = true});
    Engine engine = make_stream(4, "mlp_test.time");
    Matrix<double> theta(field.parameters().back().offset + field.parameters().back().size(), 1);
    fill_normal<double>(engine, theta);
    field.set_theta(0.5 * theta.col(0));  // as initialized, the gates of a hyper layer do not depend on the time
    for (const auto& p : field.parameters()) {
      if (p.name.starts_with("layers.0.")) continue;
      EXPECT_TRUE(p.name.ends_with("._layer.weight") || p.name.ends_with("._layer.bias")) << p.name;
    }
    Matrix<double> z(2, 4), c(0, 4), f(2, 4), je(2, 8), trace(1, 4), f_again(2, 4);
    fill_normal<double>(engine, z);
    Workspace<double> work;
    field.tangents({0.7, z, c}, TangentDirections<double>::identity(2), f, je, work);
    field.value_and_trace({0.7, z, c}, f_again, trace, work);
    EXPECT_LT((f - f_again).norm(), 1e-14);
    EXPECT_LT((trace - je.row(0).head(4) - je.row(1).tail(4)).norm(), 1e-13) << to_string(layer);
    field.value({0.2, z, c}, f_again, work);
    EXPECT_GT((f - f_again).norm(), 1e-3) << to_string(layer);
  }
}

TEST(Mlp, NanInGivesNanOutForEveryActivation) {
  for (std::size_t a = 0; a < activation_names().size(); ++a) {
    Mlp<float> field({.hidden = {17}, .activation = static_cast<Activation>(a)});
    Engine engine = make_stream(1, "nan");
    field.initialize(engine);
    Matrix<float> z = Matrix<float>::Zero(2, 3), c(0, 3), f(2, 3);
    z(1, 1) = std::numeric_limits<float>::quiet_NaN();
    Workspace<float> work;
    field.value({0.1, z, c}, f, work);
    EXPECT_TRUE(std::isnan(f(0, 1)) && std::isnan(f(1, 1))) << activation_names()[a];
    EXPECT_TRUE(f.col(0).allFinite() && f.col(2).allFinite()) << activation_names()[a];
  }
}

// gelu'' was (2 - inf) 0 = NaN from 2e19 on in float.
TEST(Mlp, DerivativesOfAFarPointAreFinite) {
  for (std::size_t a = 0; a < activation_names().size(); ++a) {
    if (static_cast<Activation>(a) == Activation::square) continue;  // which overflows itself
    Mlp<float> field({.hidden = {17}, .activation = static_cast<Activation>(a)});
    Engine engine = make_stream(1, "far");
    field.initialize(engine);
    const Matrix<float> z = Matrix<float>::Constant(2, 3, 1e25F), c(0, 3), f_bar = Matrix<float>::Ones(2, 3);
    const Matrix<float> je_bar = Matrix<float>::Ones(2, 6);
    Matrix<float> z_bar(2, 3), c_bar(0, 3);
    Vector<float> theta_bar = Vector<float>::Zero(field.theta().size());
    double t_bar = 0;
    Workspace<float> work;
    field.pullback({0.1, z, c}, TangentDirections<float>::identity(2), f_bar, je_bar, {z_bar, c_bar, theta_bar, &t_bar},
                   work);
    EXPECT_TRUE(z_bar.allFinite()) << activation_names()[a];
  }
}

TEST(Mlp, SetToZeroIsZeroEverywhereAndItsGradientIsNot) {
  Mlp<double> field({.dim = 2, .condition_dim = 1, .hidden = {8, 8}});
  Engine engine = make_stream(5, "test.weights");
  field.initialize(engine);
  Vector<double> theta = field.theta();
  ASSERT_TRUE(field.set_zero());
  EXPECT_NE(field.theta(), theta);
  Matrix<double> z(2, 6), c(1, 6), f(2, 6), z_bar(2, 6), c_bar = Matrix<double>::Zero(1, 6), none(2, 0);
  fill_normal<double>(engine, z), fill_normal<double>(engine, c);
  Workspace<double> w;
  field.value({0.3, z, c}, f, w);
  EXPECT_EQ(f, Matrix<double>(Matrix<double>::Zero(2, 6)));
  Vector<double> theta_bar = Vector<double>::Zero(theta.size());
  double t_bar = 0;
  field.pullback({0.3, z, c}, {}, Matrix<double>(Matrix<double>::Ones(2, 6)), none, {z_bar, c_bar, theta_bar, &t_bar},
                 w);
  EXPECT_GT(theta_bar.norm(), 0);
}

// A network of 64-64-64 in two dimensions with its trace, by hand; the pullback's two products for each of the
// forward's.
TEST(Mlp, FlopsAreThoseOfItsProducts) {
  const Mlp<float> field({.hidden = {64, 64, 64}});
  EXPECT_EQ(field.flops({}), 2 * (2 * 64 + 2 * 64 * 64 + 64 * 2));
  EXPECT_EQ(field.flops(TangentDirections<float>::identity(2)), 2 * (2 * 64 + 3 * (2 * 64 * 64 + 64 * 2)));
  EXPECT_EQ(field.pullback_flops(TangentDirections<float>::identity(2)),
            3 * field.flops(TangentDirections<float>::identity(2)));
  const TangentDirections<float> probe{TangentDirections<float>::Kind::probes, 1, nullptr};
  EXPECT_EQ(field.flops(probe), 2 * field.flops({}));
  EXPECT_EQ(field.pullback_flops(probe), 3 * field.flops(probe) - 2 * 2 * 64);  // nothing goes back into a probe
}

// A sample's numbers do not depend on its neighbours, nor on how many there are.
TEST(Mlp, SamplesAreIndependentBitwise) {
  Mlp<float> field({.hidden = {64, 64}});
  Engine engine = make_stream(1, "independent");
  field.initialize(engine);
  Matrix<float> z(2, 50), c(0, 50), f(2, 50), je(2, 100);
  fill_normal<float>(engine, z);
  Workspace<float> work;
  field.tangents({0.1, z, c}, TangentDirections<float>::identity(2), f, je, work);
  for (Index b : {0, 7, 49}) {
    Matrix<float> one(2, 1), je_one(2, 2);
    field.tangents({0.1, z.col(b), c.col(b)}, TangentDirections<float>::identity(2), one, je_one, work);
    EXPECT_EQ(one, f.col(b));
    EXPECT_EQ(je_one.col(0), je.col(b));
    EXPECT_EQ(je_one.col(1), je.col(50 + b));
  }
}

TEST(Mlp, BadOptionsAreNamed) {
  EXPECT_THROW(Mlp<float>({.dim = 0}), InputError);
  EXPECT_THROW(Mlp<float>({.hidden = {64, 0}}), InputError);
  EXPECT_THROW(parse_activation("than"), InputError);
  EXPECT_THROW(parse_layer_type("concatsquish"), InputError);
}

}  // namespace
}  // namespace pathline
