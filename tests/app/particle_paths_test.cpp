#include "app/particle_paths.hpp"

#include <gtest/gtest.h>

#include "pathline/flow/flow_mixture.hpp"
#include "pathline/transform/affine.hpp"
#include "pathline/transform/coupling_layer.hpp"

namespace pathline {
namespace {

// Two affine couplings, each of which moves another column.
Flow<double> couplings(double seed) {
  Chain<double> chain;
  Engine engine = make_stream(static_cast<std::uint64_t>(seed), "test.particle_paths");
  for (const Index moved : {0, 1}) {
    auto& layer =
        chain.add(CouplingLayer<double>({.kind = CouplingKind::affine, .dim = 3, .moved = {moved}, .hidden = {8}}));
    layer.initialize(engine);
    Vector<double> theta = layer.theta();
    for (auto& value : theta) value += 0.3 * normal(engine);
    layer.set_theta(theta);
  }
  Flow<double> flow(std::move(chain));
  flow.data_side.add(Affine<double>(Vector<double>::Constant(3, 2.0), Vector<double>::Constant(3, 5.0)));
  return flow;
}

TEST(ParticlePaths, OfCouplingsBeginAtTheBaseAndEndAtTheData) {
  const auto flow = couplings(1);
  const auto paths = particle_paths(flow, {0, 0.25, 0.5, 1}, {.particles = 50, .seed = 4}, Matrix<double>(0, 0));
  const auto z0 = flow.draw_base(50, 4);
  EXPECT_LT((paths[0] - flow.in_data_units(z0)).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_LT((paths[3] - flow.push(z0).points).cwiseAbs().maxCoeff(), 1e-12);
  // Half of the way is what the first coupling gives, which moves column 0 only; a quarter is in the middle.
  EXPECT_GT((paths[2].row(0) - paths[0].row(0)).cwiseAbs().maxCoeff(), 0.1);
  EXPECT_LT((paths[2] - paths[0]).bottomRows(2).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_LT((paths[1] - (paths[0] + paths[2]) / 2).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_LT((paths[3].row(0) - paths[2].row(0)).cwiseAbs().maxCoeff(), 1e-12);
}

TEST(ParticlePaths, EachMemberOfAnEnsembleMovesItsShare) {
  const auto a = couplings(1), b = couplings(2);
  const auto both = flow_mixture<double>({a, b}, Eigen::Vector2d(3, 1));
  const auto paths = particle_paths(both, {0, 1}, {.particles = 40, .seed = 4}, Matrix<double>(0, 0));
  const auto of_a = particle_paths(a, {0, 1}, {.particles = 30, .seed = 4}, Matrix<double>(0, 0));
  const auto of_b = particle_paths(b, {0, 1}, {.particles = 10, .seed = 5}, Matrix<double>(0, 0));
  EXPECT_EQ(Matrix<double>(paths[1].leftCols(30)), of_a[1]);
  EXPECT_EQ(Matrix<double>(paths[1].rightCols(10)), of_b[1]);
}

}  // namespace
}  // namespace pathline
