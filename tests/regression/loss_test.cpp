#include "pathline/regression/loss.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"

namespace pathline {
namespace {

using ::testing::HasSubstr;

TEST(RegressionLoss, ValuesByHand) {
  const Matrix<double> p{{1.0, 2.0}, {0.0, 4.0}}, t{{0.0, 2.0}, {1.0, 1.0}};
  Matrix<double> bar(2, 2);
  EXPECT_DOUBLE_EQ(RegressionLoss{}.operator()<double>(p, t, bar), (1 + 0 + 1 + 9) / 4.0);
  EXPECT_DOUBLE_EQ(bar(1, 1), 2 * 3 / 4.0);
  const RegressionLoss weighted{LossKind::weighted_mse, Vector<double>{{2.0, 0.5}}};
  EXPECT_DOUBLE_EQ(weighted.operator()<double>(p, t, bar), (2 * 1 + 0.5 * 10) / 4.0);
  const RegressionLoss entropy{LossKind::cross_entropy};
  const Matrix<double> logits{{0.0, 1000.0}, {std::log(3.0), 0.0}}, classes = one_hot<double>({0, 1}, 2);
  // softmax of (0, log 3) is (1/4, 3/4); the second column would overflow without its largest logit taken off.
  EXPECT_DOUBLE_EQ(entropy.operator()<double>(logits, classes, bar), (std::log(4.0) + 1000) / 2);
}

TEST(RegressionLoss, DerivativesAgreeWithDifferences) {
  const Matrix<double> p{{0.3, -1.2, 0.4}, {2.0, 0.1, -0.7}}, t{{0.2, 0.0, 1.0}, {0.8, 1.0, 0.0}};
  for (const auto& loss : {RegressionLoss{}, RegressionLoss{LossKind::weighted_mse, Vector<double>{{1.01, 0.1}}},
                           RegressionLoss{LossKind::cross_entropy}}) {
    Matrix<double> bar(2, 3), unused(2, 3);
    loss.operator()<double>(p, t, bar);
    const double h = 1e-6;
    for (Index i = 0; i < p.size(); ++i) {
      Matrix<double> up = p, down = p;
      up(i) += h, down(i) -= h;
      const double slope =
          (loss.operator()<double>(up, t, unused) - loss.operator()<double>(down, t, unused)) / (2 * h);
      EXPECT_NEAR(bar(i), slope, 1e-9) << to_string(loss.kind) << " " << i;  // h^2 and 1e-16 / h
    }
  }
}

TEST(RegressionLoss, WeightsAreChecked) {
  const RegressionLoss few{LossKind::weighted_mse, Vector<double>{{1.0}}};
  EXPECT_THAT(message([&] { few.check(2); }), HasSubstr("weights: found 1, expected one for each of 2 outputs"));
  const RegressionLoss negative{LossKind::weighted_mse, Vector<double>{{1.0, -1.0}}};
  EXPECT_THAT(message([&] { negative.check(2); }), HasSubstr("weights[1] = -1"));
  const RegressionLoss other{LossKind::mse, Vector<double>{{1.0, 1.0}}};
  EXPECT_THAT(message([&] { other.check(2); }), HasSubstr("only to the loss weighted_mse"));
  EXPECT_THAT(message([&] { one_hot<double>({0, 3}, 3); }), HasSubstr("the class of row 2 = 3"));
  EXPECT_THAT(message([&] { parse_loss("l1"); }), HasSubstr("mse, weighted_mse, cross_entropy"));
}

}  // namespace
}  // namespace pathline
