#include "pathline/dynamics/motion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"
#include "pathline/adjoint/odeint.hpp"
#include "pathline/dynamics/physics_field.hpp"

namespace pathline {
namespace {

using ::testing::HasSubstr;

TEST(Motion, ThereAreTwelve) { EXPECT_EQ(motions().size(), 12u); }

// A linear motion is the solution of the Newtonian field at its true parameters. The parameters that it does not
// determine keep the body as it is: 0.
TEST(Motion, LinearMotionSolvesTheNewtonianFieldAtItsTruth) {
  const auto times = equal_times(2, 8);
  for (const auto& motion : motions()) {
    if (!motion.linear) continue;
    auto network = std::make_unique<Mlp<double>>(MlpOptions{.dim = 9, .hidden = {1}, .layer = LayerType::ignore});
    const auto field = make_newtonian_field<double>(std::move(network));
    Vector<double> theta = Vector<double>::Zero(field->theta().size());
    for (const auto& [name, value] : motion.truth) {
      bool found = false;
      for (const auto& p : field->parameters())
        if (p.name == name) theta[p.offset] = value, found = true;
      EXPECT_TRUE(found) << motion.name << " " << name;
    }
    field->set_theta(theta);
    const auto data = draw_motion(motion, 3, times, 1);
    for (const auto& t : data.list) {
      const Matrix<double> z =
          odeint<double>(*field, t.states.col(0), times, {.solver = {.rtol = 1e-10, .atol = 1e-10}});
      EXPECT_LT((z - t.states).cwiseAbs().maxCoeff(), 1e-6) << motion.name;
    }
    EXPECT_GT((data.list[0].states.col(8) - data.list[0].states.col(0)).norm(), 0.1) << motion.name << " does not move";
  }
}

TEST(Motion, TrajectoryDependsOnItsNumberAlone) {
  const auto times = equal_times(1, 4);
  const auto few = draw_motion(find_motion("pendulum"), 2, times, 5),
             many = draw_motion(find_motion("pendulum"), 4, times, 5);
  EXPECT_EQ(few.list[1].states, many.list[1].states);
  EXPECT_NE(few.list[0].states, few.list[1].states);
}

TEST(Motion, NoiseIsAShareOfEachComponentsSpread) {
  const auto clean = draw_motion(find_motion("parabola"), 200, equal_times(1, 20), 1);
  auto noisy = clean;
  add_noise(noisy, 0.01, 2);
  double error = 0, spread = 0, mean = 0, n = 0;
  for (const auto& t : clean.list) mean += t.states.row(2).sum(), n += static_cast<double>(t.states.cols());
  mean /= n;
  for (std::size_t i = 0; i < clean.list.size(); ++i) {
    error += (noisy.list[i].states - clean.list[i].states).row(2).squaredNorm();
    spread += (clean.list[i].states.row(2).array() - mean).square().sum();
    EXPECT_EQ(noisy.list[i].states.row(4), clean.list[i].states.row(4));  // an angle that never changes has no noise
  }
  EXPECT_NEAR(std::sqrt(error / spread), 0.01, 5e-4);  // 4,200 draws: 1 % of it by a standard error
}

TEST(Motion, NearestNameIsOffered) {
  EXPECT_THAT(message([] { find_motion("pendulm"); }), HasSubstr("did you mean 'pendulum'?"));
}

}  // namespace
}  // namespace pathline
