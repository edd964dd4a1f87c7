// What transform_test.cpp does not see of coupling layers: their edges, float, one column, and the mass of a whole
// flow.
#include "pathline/transform/coupling_layer.hpp"

#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {
namespace {

template <class S> void randomize(CouplingLayer<S>& layer, double size = 1, std::uint64_t seed = 1) {
  Engine engine = make_stream(seed, "coupling_layer_test");
  Matrix<double> theta(layer.parameter_count(), 1);
  fill_normal<double>(engine, theta);
  layer.set_theta(size * theta.col(0));
}

template <class S> struct Applied {
  Matrix<S> z;
  RowVector<double> log_det;
};

template <class S> Applied<S> apply(const Transform<S>& t, Direction direction, const Matrix<S>& z) {
  TransformScratch<S> scratch;
  const SolveOptions<S> options;
  const Matrix<S> condition = Matrix<S>::Constant(t.condition_dim(), z.cols(), S(0.3));
  Applied<S> out{z, RowVector<double>::Zero(z.cols())};
  EXPECT_TRUE(t.apply(direction, out.z, &out.log_det, {scratch, options, condition}, nullptr).ok());
  return out;
}

Matrix<double> normal_points(Index dim, Index n, double scale = 1) {
  Matrix<double> z(dim, n);
  Engine engine = make_stream(2, "coupling_layer_test");
  fill_normal<double>(engine, z);
  return scale * z;
}

constexpr CouplingKind kKinds[] = {CouplingKind::spline, CouplingKind::affine};

TEST(CouplingLayer, BeginsAsTheIdentity) {
  for (const auto kind : kKinds) {
    CouplingLayer<double> layer({.kind = kind, .dim = 3, .moved = {0, 2}});
    Engine engine = make_stream(3, "coupling_layer_test");
    layer.initialize(engine);
    EXPECT_GT(layer.theta().cwiseAbs().maxCoeff(), 0);
    const auto z = normal_points(3, 50, 2);
    for (const auto direction : {Direction::base_to_data, Direction::data_to_base}) {
      const auto got = apply<double>(layer, direction, z);
      EXPECT_LT((got.z - z).cwiseAbs().maxCoeff(), 1e-12) << layer.kind();  // some roundings of bins of width 1.25
      EXPECT_LT(got.log_det.cwiseAbs().maxCoeff(), 1e-12) << layer.kind();
    }
  }
}

TEST(CouplingLayer, InFloatIsThatInDouble) {
  for (const auto kind : kKinds) {
    const CouplingOptions o{.kind = kind, .dim = 5, .moved = {1, 2, 4}, .hidden = {16, 16}, .residual = true};
    CouplingLayer<double> exact(o);
    CouplingLayer<float> rounded(o);
    randomize(exact, 0.5), randomize(rounded, 0.5);
    const auto z = normal_points(5, 200, 2);
    for (const auto direction : {Direction::base_to_data, Direction::data_to_base}) {
      const auto a = apply<double>(exact, direction, z);
      const auto b = apply<float>(rounded, direction, z.cast<float>());
      const double size = a.z.cwiseAbs().maxCoeff();
      EXPECT_LT((a.z - b.z.cast<double>()).cwiseAbs().maxCoeff(), 2e-4 * size)
          << exact.kind();  // 24 bits, bends of 100
      EXPECT_LT((a.log_det - b.log_det).cwiseAbs().maxCoeff(), 5e-3) << exact.kind();
    }
  }
}

TEST(CouplingLayer, IsTheIdentityOutsideOfItsBoxAndContinuousAtItsEnds) {
  for (const auto kind : kKinds) {
    CouplingLayer<double> layer({.kind = kind, .dim = 1, .moved = {0}, .hidden = {}, .bins = 6, .box = 2});
    randomize(layer, 2);
    const double h = 1e-9;
    Matrix<double> z(1, 8);
    z << -1e30, -3, -2, 2, 2.5, 1e300, -2 + h, 2 - h;
    for (const auto direction : {Direction::base_to_data, Direction::data_to_base}) {
      const auto got = apply<double>(layer, direction, z);
      for (Index b = 0; b < 6; ++b) {
        EXPECT_EQ(got.z(0, b), z(0, b)) << layer.kind();
        EXPECT_EQ(got.log_det[b], 0) << layer.kind();
      }
      for (Index b = 6; b < 8; ++b) {
        EXPECT_NEAR(got.z(0, b), z(0, b), 1e-12) << layer.kind();  // slope 1 there
        EXPECT_NEAR(got.log_det[b], 0, 1e-4) << layer.kind();      // h times a bend of up to 1e5
      }
    }
  }
}

// Of RealNVP: z exp(s) + t, as long as neither side of it leaves 0.8 of the box.
TEST(CouplingLayer, AffineIsAffineWithinAndSmoothWhereThatEnds) {
  for (const double a : {-2.0, -0.4, 0.5, 2.0})
    for (const double b : {-1.5, 0.0, 0.7}) {
      CouplingLayer<double> layer({.kind = CouplingKind::affine, .dim = 1, .moved = {0}, .hidden = {}, .box = 5});
      layer.set_theta(Vector<double>{{a, b}});
      const double s = 3 * std::tanh(a / 3), t = 4 * std::tanh(b / 4);
      const double low = std::max(-4.0, (-4 - t) / std::exp(s)), high = std::min(4.0, (4 - t) / std::exp(s)), h = 1e-7;
      Matrix<double> z(1, 7);
      z << low + h, 0.9 * low, 0, high / 2, high - h, low - h, high + h;
      const auto got = apply<double>(layer, Direction::base_to_data, z);
      for (Index i = 0; i < 5; ++i) {
        EXPECT_NEAR(got.z(0, i), z(0, i) * std::exp(s) + t, 1e-14);  // roundings of numbers up to 4
        EXPECT_NEAR(got.log_det[i], s, 1e-15);
      }
      for (Index i = 5; i < 7; ++i) {
        EXPECT_NEAR(got.z(0, i), z(0, i) * std::exp(s) + t, 1e-10);  // h^2 times a bend of up to 1e4
        EXPECT_NEAR(got.log_det[i], s, 1e-3);                        // h times it
      }
    }
}

// Points at the knots and beside them, of parameters that squeeze bins to their least width: no other number comes out.
TEST(CouplingLayer, StaysMonotoneAndFiniteUnderExtremeParameters) {
  for (const auto kind : kKinds)
    for (const double size : {1.0, 30.0, 1e4, 1e30})
      for (const Index bins : {2, 7, 256}) {
        CouplingLayer<double> layer({.kind = kind, .dim = 1, .moved = {0}, .hidden = {}, .bins = bins, .box = 1});
        randomize(layer, size, static_cast<std::uint64_t>(bins));
        const Matrix<double> z = RowVector<double>::LinSpaced(4001, -1.01, 1.01);
        const auto up = apply<double>(layer, Direction::base_to_data, z);
        ASSERT_TRUE(up.z.allFinite() && up.log_det.allFinite()) << layer.kind() << size << " " << bins;
        EXPECT_GE((up.z.rightCols(4000) - up.z.leftCols(4000)).minCoeff(), -1e-14) << size << " " << bins;
        // The slope inside of a bin of a spline reaches 1e-9: the inverse has no digits left.
        if (size > 30 && kind == CouplingKind::spline) continue;
        const auto down = apply<double>(layer, Direction::data_to_base, up.z);
        EXPECT_LT((down.z - z).cwiseAbs().maxCoeff(), 1e-6) << layer.kind() << size << " " << bins;
      }
}

// An affine map without an end fails: its scale and shift change along a direction, so that the density rises.
template <class S> void expect_falling_tails(CouplingKind kind, const std::vector<Index>& hidden, bool residual) {
  constexpr Index kDirections = 16, kDistances = 8;
  Chain<S> chain;
  Engine engine = make_stream(7, "coupling_layer_test");
  std::uint64_t seed = 8;
  for (auto& moved : alternating_halves(2, 8, engine)) {
    CouplingLayer<S> layer({.kind = kind, .dim = 2, .moved = moved, .hidden = hidden, .residual = residual});
    randomize(layer, 0.3, seed++);
    chain.add(std::move(layer));
  }
  const Flow<S> flow(std::move(chain));
  RowVector<double> before = RowVector<double>::Constant(kDirections, std::numeric_limits<double>::infinity());
  for (Index k = 0; k < kDistances; ++k) {
    const double r = 8 * std::pow(50.0 / 8, static_cast<double>(k) / (kDistances - 1));
    Matrix<double> x(2, kDirections);
    for (Index i = 0; i < kDirections; ++i) {
      const double angle = 2 * M_PI * static_cast<double>(i) / kDirections;
      x.col(i) << r * std::cos(angle), r * std::sin(angle);
    }
    const RowVector<double> log_p = flow.log_prob(x).log_prob;
    EXPECT_TRUE(log_p.allFinite());
    EXPECT_TRUE((log_p.array() < before.array()).all()) << r << ": " << log_p << "\nbefore: " << before;
    before = log_p;
  }
}

TEST(CouplingLayer, TheDensityOfAFlowFallsFarOutsideWithEveryConditionerInFloatAndDouble) {
  for (const auto kind : kKinds)
    for (const auto& hidden : {std::vector<Index>{}, {16}, {16, 16}})
      for (const bool residual : {false, true}) {
        SCOPED_TRACE(fmt::format("kind {}, {} hidden layers, residual {}",
                                 kind == CouplingKind::affine ? "affine" : "spline", hidden.size(), residual));
        expect_falling_tails<float>(kind, hidden, residual);
        expect_falling_tails<double>(kind, hidden, residual);
      }
}

TEST(CouplingLayer, ANanStaysANan) {
  for (const auto kind : kKinds) {
    CouplingLayer<float> layer({.kind = kind, .dim = 2, .moved = {1}});
    randomize(layer, 0.3);
    Matrix<float> z(2, 2);
    z << std::nanf(""), 1, 0.5f, std::nanf("");
    const auto got = apply<float>(layer, Direction::data_to_base, z);
    EXPECT_TRUE(std::isnan(got.z(1, 0)) && std::isnan(got.z(1, 1))) << layer.kind();
    EXPECT_TRUE(std::isnan(got.z(0, 0))) << layer.kind();
  }
}

// A far column that stays may not spoil the others: the network sees it clamped.
TEST(CouplingLayer, AFarColumnGivesAFiniteMap) {
  for (const auto kind : kKinds) {
    CouplingLayer<float> layer({.kind = kind, .dim = 2, .moved = {1}});
    randomize(layer, 3);
    Matrix<float> z(2, 3);
    z << 1e38f, -1e38f, 5, 0.5f, 0.5f, 0.5f;
    const auto got = apply<float>(layer, Direction::base_to_data, z);
    EXPECT_TRUE(got.z.allFinite() && got.log_det.allFinite()) << layer.kind();
    EXPECT_EQ(got.z(1, 0), got.z(1, 2)) << layer.kind();  // 5 is where the clamp begins
  }
}

// Of each kind, in one and two columns: the density is normalized.
TEST(CouplingLayer, TheMassOfAFlowIsOneSlow) {
  for (const auto kind : kKinds)
    for (const Index dim : {1, 2}) {
      Chain<double> chain;
      Engine engine = make_stream(4, "coupling_layer_test");
      std::uint64_t seed = 5;
      for (auto& moved : alternating_halves(dim, 3, engine)) {
        CouplingLayer<double> layer({.kind = kind, .dim = dim, .moved = moved, .hidden = {8}, .box = 3});
        randomize(layer, 0.2, seed++);
        chain.add(std::move(layer));
      }
      const Flow<double> flow(std::move(chain));
      const Index n = dim == 1 ? 40001 : 1201;
      const double reach = 8, step = 2 * reach / static_cast<double>(n - 1);
      const RowVector<double> axis = RowVector<double>::LinSpaced(n, -reach, reach);
      double mass = 0;
      for (Index i = 0; i < (dim == 1 ? 1 : n); ++i) {
        Matrix<double> x(dim, n);
        x.row(0) = axis;
        if (dim == 2) x.row(1).setConstant(axis[i]);
        mass += flow.log_prob(x).log_prob.array().exp().sum() * std::pow(step, static_cast<double>(dim));
      }
      EXPECT_NEAR(mass, 1, 1e-4) << dim << " " << static_cast<int>(kind);  // steps of 0.013 over jumps of the bend
    }
}

TEST(CouplingLayer, TwoLayersInARowMoveEveryColumn) {
  for (const Index dim : {2, 3, 10}) {
    Engine engine = make_stream(6, "coupling_layer_test");
    const auto halves = alternating_halves(dim, 6, engine);
    ASSERT_EQ(halves.size(), 6u);
    for (std::size_t l = 0; l < 6; l += 2) {
      std::set<std::int64_t> all(halves[l].begin(), halves[l].end());
      all.insert(halves[l + 1].begin(), halves[l + 1].end());
      EXPECT_EQ(std::ssize(all), dim);
      EXPECT_EQ(std::ssize(halves[l]) + std::ssize(halves[l + 1]), dim);
    }
    if (dim == 10) EXPECT_NE(halves[0], halves[2]);
  }
  Engine engine = make_stream(6, "coupling_layer_test");
  for (const auto& moved : alternating_halves(1, 4, engine)) EXPECT_EQ(moved, std::vector<std::int64_t>{0});
}

TEST(CouplingLayer, RefusesOptionsOutOfTheirRange) {
  const CouplingOptions good{.dim = 3, .moved = {0}};
  EXPECT_NO_THROW(CouplingLayer<double>{good});
  const auto refused = [&](auto change) {
    auto o = good;
    change(o);
    EXPECT_THROW(CouplingLayer<double>{o}, InputError);
  };
  refused([](auto& o) { o.moved = {}; });
  refused([](auto& o) { o.moved = {3}; });
  refused([](auto& o) { o.moved = {-1}; });
  refused([](auto& o) { o.moved = {1, 1}; });
  refused([](auto& o) { o.bins = 1; });
  refused([](auto& o) { o.bins = 257; });
  refused([](auto& o) { o.box = 0; });
  refused([](auto& o) { o.box = 1e300; });  // infinite in float
  refused([](auto& o) { o.box = std::numeric_limits<double>::infinity(); });
  refused([](auto& o) { o.box = std::nan(""); });
  refused([](auto& o) { o.hidden = {4, 0}; });
  refused([](auto& o) { o.dim = 0; });
  refused([](auto& o) { o.condition_dim = -1; });
}

}  // namespace
}  // namespace pathline
