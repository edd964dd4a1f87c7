// A flow of a field that is one function: its density, its gradient by every adjoint, against the field by hand.
#include <gtest/gtest.h>

#include "pathline/field/autodiff_field.hpp"
#include "pathline/objective/gradient_check.hpp"

namespace pathline {
namespace {

struct Relaxation {  // everything relaxes to mu + c at the rate exp(a), faster as time passes
  template <class T>
  void operator()(const T& t, const Vector<T>& z, const Vector<T>& c, const Vector<T>& theta, Vector<T>& f) const {
    f = exp(theta[0]) * (1 + t) * (theta.tail(z.size()) - z);
    if (c.size() > 0) f += exp(theta[0]) * (1 + t) * c;
  }
};

class AutoDiffFlow : public testing::TestWithParam<AdjointKind> {};

TEST_P(AutoDiffFlow, HasTheGradientOfItsLoss) {
  for (const Index d : {1, 3}) {
    const auto field =
        make_field<double>(Relaxation{}, d, {{"a", -0.3}, {"mu", Matrix<double>::Constant(d, 1, 0.7)}}, d);
    Flow<double> flow(Cnf<double>{field, 0.8, FieldClock::base_to_data, true});
    const Matrix<double> x = Matrix<double>::Random(d, 5), c = Matrix<double>::Random(d, 5);
    GradientOptions options{.adjoint = GetParam(), .regularizers = {.kinetic = 0.1, .jacobian = 0.2}};
    if (GetParam() == AdjointKind::discrete)
      options.solver.steps = 5;
    else
      options.solver = {.rtol = 1e-9, .atol = 1e-9};
    const auto rows = check_gradient(flow, x, c, options);
    EXPECT_EQ(rows.size(), 5u);  // a, mu, the end time, z, the condition
    for (const auto& row : rows) EXPECT_LT(row.error(), 1e-6) << row.name << " d = " << d;
  }
}
INSTANTIATE_TEST_SUITE_P(All, AutoDiffFlow,
                         testing::Values(AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve));

// z(T) - mu shrinks by exp(-rate (T + T^2 / 2)): a normal density of that width about its mean, in both precisions.
template <class S> void expect_exact_density(double tolerance) {
  const auto field = make_field<S>(Relaxation{}, 2, {{"a", -0.3}, {"mu", {0.5, -1}}});
  const Flow<S> flow(Cnf<S>{field, 0.8});
  const Matrix<double> x = Matrix<double>::Random(2, 70), none(0, 0);
  const double s = std::exp(-std::exp(-0.3) * (0.8 + 0.32));
  const Matrix<double> z = (x.colwise() - (1 - s) * Vector<double>{{0.5, -1}}) / s;
  const RowVector<double> expected = standard_normal_log_density<double>(z).array() - 2 * std::log(s);
  const auto got = flow.log_prob(x, none, {.solver = {.rtol = 1e-6, .atol = 1e-6}}).log_prob;
  EXPECT_LT((got - expected).cwiseAbs().maxCoeff(), tolerance);
}
TEST(AutoDiffFlow, HasTheExactDensity) {
  expect_exact_density<double>(1e-5);  // ten times the solver's tolerance
  expect_exact_density<float>(2e-4);   // log-densities of about 10 in float, over some tens of steps
}

}  // namespace
}  // namespace pathline
