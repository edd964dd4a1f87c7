#include "pathline/transform/chain.hpp"

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {
namespace {

std::shared_ptr<Mlp<double>> make_mlp(std::uint64_t seed) {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.hidden = {5}});
  Engine engine = make_stream(seed, "chain_test");
  field->initialize(engine);
  return field;
}

Chain<double> norm_block_norm() {
  Chain<double> chain;
  chain.add(BatchNorm<double>(2));
  chain.add(Cnf<double>(make_mlp(1), 0.5));
  chain.add(BatchNorm<double>(2));
  chain.add(Affine<double>(Vector<double>{{1, 2}}, Vector<double>{{3, 4}}));
  return chain;
}

// Files and optimizer states hold theta in this order: the solves first.
TEST(Chain, ParametersAreThoseOfSolvesThenThoseOfTheOthers) {
  const auto chain = norm_block_norm();
  std::vector<std::string> names;
  Index next = 0;
  for (const auto& p : chain.parameters()) {
    names.push_back(p.name);
    EXPECT_EQ(p.offset, next);
    next += p.size();
  }
  EXPECT_EQ(next, chain.parameter_count());
  EXPECT_EQ(names.front().substr(0, 9), "blocks.0.");
  const std::vector<std::string> last(names.end() - 4, names.end());
  EXPECT_EQ(last, (std::vector<std::string>{"norms.0.weight", "norms.0.bias", "norms.1.weight", "norms.1.bias"}));
}

TEST(Chain, ACopyIsDeep) {
  const auto chain = norm_block_norm();
  auto copy = chain;
  const Vector<double> theta = chain.theta();
  copy.set_theta(theta.array() + 1);
  EXPECT_EQ(chain.theta(), theta);
  EXPECT_EQ(copy.theta(), Vector<double>(theta.array() + 1));
}

// A flow of transforms that take no time has a density, samples and a score, and no path in time.
TEST(Chain, WithoutASolveAFlowStillHasItsDensity) {
  Chain<double> chain;
  chain.add(Affine<double>(Vector<double>{{1, -1}}, Vector<double>{{2, 0.5}}));
  const Flow<double> flow(std::move(chain));
  const Matrix<double> x = Matrix<double>::Random(2, 70);
  const Matrix<double> z = (x.colwise() - Vector<double>{{1, -1}}).array().colwise() / Vector<double>{{2, 0.5}}.array();
  const auto got = flow.log_prob(x);
  EXPECT_LT((got.log_prob - standard_normal_log_density<double>(z)).cwiseAbs().maxCoeff(),
            1e-14);  // log 2 + log 1/2 = 0
  const auto drawn = flow.sample(70, 1);
  EXPECT_LT((flow.log_prob(drawn.points).log_prob - drawn.log_prob).cwiseAbs().maxCoeff(), 1e-13);
  const Matrix<double> score = (-z).array().colwise() / Vector<double>{{2, 0.5}}.array();
  EXPECT_LT((flow.score(x).score - score).cwiseAbs().maxCoeff(), 1e-14);
  EXPECT_EQ(got.nfe, 0);
  EXPECT_THROW((void)flow.log_prob_at(0, x, Matrix<double>(0, 0)), InputError);
  EXPECT_THROW((void)flow.transform(x, 0, 0), InputError);
}

}  // namespace
}  // namespace pathline
