// A right model passes, and each fault fails in the row that is made for it.
#include "pathline/verify/verify.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pathline/checkpoint/model.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/ode/time_limit.hpp"
#include "pathline/transform/bounds.hpp"
#include "paths.hpp"
#include "verify/spoiled_flow.hpp"

namespace pathline {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;

const std::string kModel = source_dir() + "/models/8gaussians_small.h5";

std::vector<std::string> failed(const std::vector<Check>& results) {
  std::vector<std::string> out;
  for (const auto& c : results)
    if (c.verdict == Verdict::fail) out.push_back(c.name);
  return out;
}

// 8gaussians_small with its data.
class Verify : public testing::Test {
 protected:
  Verify() : flow_(read_model<double>(kModel).flow) {
    Engine engine = make_stream(3, "verify_test");
    data_.resize(2, 2000);
    find_toy("8gaussians").sample(engine, data_);
  }
  Subject subject() const { return {.flow = flow_, .x = data_, .trained = TrainedFigure{2.8276, 0.0095}}; }
  Check run(const std::string& name) const {
    for (const auto& check : checks())
      if (check.name == name) return check.run(subject());
    ADD_FAILURE() << "no check " << name;
    return {};
  }
  void spoil(SpoiledField::Fault fault) {
    auto& field = flow_.blocks()[0]->field;
    field = std::make_shared<SpoiledField>(field, fault);
  }
  void spoil(SpoiledTransform::Fault fault) {
    Chain<double> chain;
    chain.add(std::unique_ptr<Transform<double>>(std::make_unique<SpoiledTransform>(flow_.chain[0].clone(), fault)));
    flow_.chain = std::move(chain);
  }

  Flow<double> flow_;
  Matrix<double> data_;
};

TEST_F(Verify, ARightModelPassesEveryCheckThatAppliesSlow) {
  const auto results = verify(subject());
  EXPECT_TRUE(all_passed(results));
  EXPECT_THAT(failed(results), IsEmpty());
  for (const auto& c : results) {  // the flow has no condition, and no file with known answers
    const bool skipped = c.name == "calibration" || c.name == "known answers";
    EXPECT_EQ(c.verdict, skipped ? Verdict::skipped : Verdict::pass) << c.name << ": " << c.detail;
  }
}

TEST_F(Verify, ASignFlippedInTheTraceFailsAgainstDifferencesAndInTheIntegralSlow) {
  spoil(SpoiledField::Fault::trace_sign);
  for (const char* row : {"continuity", "log-determinant", "integral", "likelihood"})
    EXPECT_EQ(run(row).verdict, Verdict::fail) << row;
}

TEST_F(Verify, ATraceThatIsTwoPercentTooLargeFailsAgainstDifferencesSlow) {
  spoil(SpoiledField::Fault::trace_scale);
  for (const char* row : {"continuity", "log-determinant", "integral"})
    EXPECT_EQ(run(row).verdict, Verdict::fail) << row;
}

TEST_F(Verify, AScaledLogDeterminantOfATransformFailsAgainstDifferencesSlow) {
  spoil(SpoiledTransform::Fault::log_determinant);
  for (const char* row : {"log-determinant", "integral"}) EXPECT_EQ(run(row).verdict, Verdict::fail) << row;
}

TEST_F(Verify, AMissingLogDeterminantOfTheStandardizerFailsInTheIntegral) {
  Chain<double> side;
  side.add(std::unique_ptr<Transform<double>>(
      std::make_unique<SpoiledTransform>(flow_.data_side[0].clone(), SpoiledTransform::Fault::log_determinant)));
  flow_.data_side = side;
  EXPECT_EQ(run("log-determinant").verdict, Verdict::fail);
  EXPECT_EQ(run("integral").verdict, Verdict::fail);
}

TEST_F(Verify, AnInverseThatIsNotOneFailsThereAndBack) {
  spoil(SpoiledTransform::Fault::inverse);
  EXPECT_EQ(run("there and back").verdict, Verdict::fail);
  EXPECT_EQ(run("density both ways").verdict, Verdict::fail);
}

// The field of 8gaussians_small hardly depends on the time: swapped, it has almost the same density.
TEST_F(Verify, SwappedTimeFailsAgainstTheDataSlow) {
  flow_ = read_model<double>(source_dir() + "/models/2spirals.h5").flow;
  Engine engine = make_stream(3, "verify_test");
  find_toy("2spirals").sample(engine, data_);
  EXPECT_EQ(run("coverage").verdict, Verdict::pass);
  spoil(SpoiledField::Fault::swapped_time);
  EXPECT_EQ(run("coverage").verdict, Verdict::fail);
  EXPECT_EQ(run("integral").verdict, Verdict::pass);  // it is a density, of something else
}

TEST_F(Verify, AWrongPullbackFailsAgainstDifferences) {
  spoil(SpoiledField::Fault::pullback);
  EXPECT_EQ(run("adjoint gradient").verdict, Verdict::fail);
}

TEST_F(Verify, BiasedProbesFailAgainstTheExactTrace) {
  spoil(SpoiledField::Fault::probes);
  EXPECT_EQ(run("trace").verdict, Verdict::fail);
}

TEST_F(Verify, ABaseWhoseDrawsAreNotItsDensityFails) {
  flow_.base = std::unique_ptr<Base>(std::make_unique<SpoiledBase>(flow_.base->clone()));
  EXPECT_EQ(run("base").verdict, Verdict::fail);
}

TEST_F(Verify, AMapThatIsNotMonotoneFails) {
  flow_.data_side.add(std::unique_ptr<Transform<double>>(std::make_unique<SpoiledTransform>(
      std::make_unique<Affine<double>>(Vector<double>::Zero(2), Vector<double>::Ones(2)),
      SpoiledTransform::Fault::not_monotone)));
  EXPECT_EQ(run("monotone maps").verdict, Verdict::fail);
}

TEST_F(Verify, AWrongStandardizerFailsAgainstTheData) {
  flow_.standardize(flow_.mean(), 1.2 * flow_.scale());
  for (const char* row : {"marginals", "coverage", "likelihood"}) EXPECT_EQ(run(row).verdict, Verdict::fail) << row;
}

TEST_F(Verify, ANumberThatIsNotFiniteFailsSlow) {
  Vector<double> theta = flow_.theta();
  theta[7] = std::nan("");
  flow_.set_theta(theta);
  const auto results = verify(subject());
  EXPECT_THAT(failed(results), Contains("there and back"));
  EXPECT_THAT(failed(results), Contains("integral"));
  EXPECT_THAT(failed(results), Contains("tolerance"));
}

// Each solve kept the limit, so that all of them together took minutes, and the rows came one by one.
TEST_F(Verify, AStiffModelIsGivenUpInTheRowAndTheOthersAreRunSlow) {
  flow_.set_theta(1000 * flow_.theta());
  limit_solve_time(1);
  const auto results = verify(subject());
  limit_solve_time(0);
  std::map<std::string, Check> rows;
  for (const auto& c : results) rows[c.name] = c;
  EXPECT_EQ(rows.size(), checks().size());
  EXPECT_EQ(rows["there and back"].verdict, Verdict::fail);
  EXPECT_THAT(rows["there and back"].detail, testing::StartsWith("given up: time limit of 1 s reached"));
  EXPECT_THAT(rows["integral"].detail, testing::StartsWith("given up: time limit of 0.1 s reached"));
  EXPECT_EQ(rows["base"].verdict, Verdict::pass);  // which solves nothing
}

// A chain of a bound, in one column, without data: what does not apply is skipped.
TEST(VerifyAnyFlow, OneBoundedColumnPassesSlow) {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = 1, .hidden = {8}});
  Engine engine = make_stream(1, "verify_test");
  field->initialize(engine);
  Flow<double> flow{Cnf<double>(field)};
  flow.data_side.add(Bounds<double>(Vector<double>::Zero(1), Vector<double>::Ones(1)));
  const auto results = verify({.flow = flow});
  EXPECT_THAT(failed(results), IsEmpty());
}

}  // namespace
}  // namespace pathline
