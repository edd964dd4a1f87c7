// The density on a grid of some columns, with the others integrated out, where these are narrow.
#include "app/integrated_density.hpp"

#include <cmath>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "pathline/field/mlp.hpp"
#include "pathline/fit/gaussian_mixture.hpp"
#include "pathline/io/table.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

class NarrowColumns : public Scratch {
 protected:
  // A model of the columns a and b that is a mixture of Gaussians, under a field that does not move.
  std::string model_of(const GaussianMixture& mixture, const std::vector<std::string>& discrete = {}) const {
    auto field = std::make_shared<Mlp<float>>(MlpOptions{.dim = 2, .hidden = {2}});
    field->set_theta(Vector<float>::Zero(field->theta().size()));
    Model<float> model{Flow<float>(Cnf<float>(field)), {}};
    model.flow.base = make_base(mixture);
    model.card.columns = {"a", "b"}, model.card.discrete = discrete;
    write_model(file("m.h5"), model);
    return file("m.h5");
  }

  // The densities of b at the centres of 7 cells, from -3 to 4.
  Matrix<double> density_of_b(const std::string& model, std::string& says) const {
    const auto got = run({"density", model, "--grid", "b=-3:4:7", "-o", file("d.csv"), "--threads", "1"});
    EXPECT_EQ(got.code, 0) << got.err;
    says = got.err;
    return read_table(file("d.csv")).values;
  }
};

double normal_density(double x, double mean, double deviation) {
  return std::exp(-0.5 * std::pow((x - mean) / deviation, 2)) / (deviation * std::sqrt(2 * M_PI));
}

// Ten nodes of each column gave masses that were off by per cents and did not sum to 1.
TEST_F(NarrowColumns, MassesOfTwoDiscreteColumnsSumToOne) {
  const Matrix<double> means{{0.4, 2.9, 3.35}, {1.7, 0.12, 2.5}};
  const std::vector<Matrix<double>> scales(3, Matrix<double>{{0.1, 0}, {0, 0.12}});
  const Vector<double> weights{{0.5, 0.3, 0.2}};
  const auto model = model_of({weights, means, scales}, {"a", "b"});
  const auto got =
      run({"density", model, "--grid=-1.5:5.5:7", "-o", file("d.csv"), "--precision", "double", "--quiet"});
  ASSERT_EQ(got.code, 0) << got.err;
  const Matrix<double> masses = read_table(file("d.csv")).values;
  const auto below = [](double x, double mean, double deviation) {
    return 0.5 * std::erfc((mean - x) / (deviation * std::sqrt(2.0)));
  };
  double sum = 0;
  for (Index i = 0; i < masses.cols(); ++i) {
    const double a = std::floor(masses(0, i) + 1e-9), b = std::floor(masses(1, i) + 1e-9);
    double right = 0;
    for (Index k = 0; k < 3; ++k)
      right += weights[k] * (below(a + 1, means(0, k), 0.1) - below(a, means(0, k), 0.1)) *
               (below(b + 1, means(1, k), 0.12) - below(b, means(1, k), 0.12));
    EXPECT_NEAR(std::exp(masses(2, i)), right, 1e-6) << a << " " << b;
    sum += std::exp(masses(2, i));
  }
  EXPECT_NEAR(sum, 1, 1e-6);
}

// 128 nodes lay between the peaks of a, and gave six times too little without a word.
TEST_F(NarrowColumns, SharpPeaksOfTheColumnThatIsIntegratedOutAreMet) {
  constexpr Index kPeaks = 6;
  Matrix<double> means(2, kPeaks);
  std::vector<Matrix<double>> scales;
  for (Index k = 0; k < kPeaks; ++k) {
    means.col(k) << static_cast<double>(k), 0.3 * static_cast<double>(k);
    scales.push_back(Matrix<double>{{0.01, 0}, {0, 1}});
  }
  std::string says;
  const auto got = density_of_b(model_of({Vector<double>::Constant(kPeaks, 1. / kPeaks), means, scales}), says);
  EXPECT_EQ(says, "");
  for (Index i = 0; i < got.cols(); ++i) {
    double right = 0;
    for (Index k = 0; k < kPeaks; ++k) right += normal_density(got(0, i), means(1, k), 1) / kPeaks;
    EXPECT_NEAR(got(1, i), std::log(right), 2e-3) << got(0, i);  // nodes are doubled until the change is below 1e-3
  }
}

// The first nodes see the wide component alone, with half as many as with all of them.
TEST_F(NarrowColumns, ARidgeInFrontOfAWideComponentIsMet) {
  const Matrix<double> ridge{{1, 0}, {1, 0.01}}, wide{{1, 0}, {0, 1}};
  std::string says;
  const auto got =
      density_of_b(model_of({Vector<double>{{0.9, 0.1}}, Matrix<double>::Zero(2, 2), {ridge, wide}}), says);
  EXPECT_EQ(says, "");
  for (Index i = 0; i < got.cols(); ++i) {
    const double right =
        0.9 * normal_density(got(0, i), 0, std::hypot(1, 0.01)) + 0.1 * normal_density(got(0, i), 0, 1);
    EXPECT_NEAR(got(1, i), std::log(right), 2e-3) << got(0, i);
  }
}

TEST_F(NarrowColumns, ARidgeThatNoNodesMeetIsSaid) {
  const Matrix<double> ridge{{1, 0}, {1, 1e-6}};
  std::string says;
  (void)density_of_b(model_of({Vector<double>{{1.0}}, Matrix<double>::Zero(2, 1), {ridge}}), says);
  EXPECT_THAT(says, HasSubstr("warning: 7 of 7 log-densities may be wrong: along the columns without an axis"));
}

}  // namespace
}  // namespace pathline
