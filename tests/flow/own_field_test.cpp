// A user-defined field as a class with the three functions value, tangents and pullback: its gradients and its density.
#include <gtest/gtest.h>

#include "pathline/objective/gradient_check.hpp"

#include "pathline/flow/flow.hpp"

// dz/dt = exp(a) (mu - z): everything relaxes to mu. theta = (a, mu).
class Relaxation : public pathline::VectorField<double> {
  template <class T> using Ref = pathline::MatrixRef<T>;

 public:
  explicit Relaxation(pathline::Index dim) : VectorField(dim, 0) {
    add_parameter("log_rate", 1, 1, false);
    add_parameter("mu", dim, 1, false);
  }
  std::unique_ptr<VectorField> clone() const override { return std::make_unique<Relaxation>(*this); }

  // f: d x B, one sample a column.
  void value(const pathline::FieldPoint<double>& x, Ref<double> f, pathline::Workspace<double>&) const override {
    f = rate() * ((-x.z).colwise() + mu());
  }
  // f, and J E for every direction of e: here J = -rate I.
  void tangents(const pathline::FieldPoint<double>& x, const pathline::TangentDirections<double>& e, Ref<double> f,
                Ref<double> je, pathline::Workspace<double>& w) const override {
    value(x, f, w);
    e.write(dim(), x.batch(), je);
    je *= -rate();
  }
  // The transpose: cotangents of f and J E in, those of z and theta out.
  void pullback(const pathline::FieldPoint<double>& x, const pathline::TangentDirections<double>& e,
                pathline::ConstMatrixRef<double> f_bar, pathline::ConstMatrixRef<double> je_bar,
                pathline::FieldCotangent<double> out, pathline::Workspace<double>&) const override {
    out.z = -rate() * f_bar;
    if (out.theta.size() == 0) return;
    pathline::Matrix<double> directions(dim(), e.k * x.batch());
    e.write(dim(), x.batch(), directions);
    const pathline::Matrix<double> f = rate() * ((-x.z).colwise() + mu());
    out.theta[0] += f.cwiseProduct(f_bar).sum() - rate() * directions.cwiseProduct(je_bar).sum();
    out.theta.tail(dim()) += rate() * f_bar.rowwise().sum();
  }

 private:
  double rate() const { return std::exp(theta()[0]); }
  pathline::Vector<double> mu() const { return theta().tail(dim()); }
};

namespace pathline {
namespace {

TEST(OwnField, OfTheReadmeHasTheRightGradientAndDensity) {
  auto field = std::make_shared<Relaxation>(3);
  field->set_theta(Vector<double>{{-0.3, 0.5, -1, 2}});
  const Flow<double> flow(Cnf<double>{field, 0.8});
  const Matrix<double> x = Matrix<double>::Random(3, 5), none(0, 0);
  for (const auto& row : check_gradient(flow, x, none, {.solver = {.steps = 5}}))
    EXPECT_LT(row.error(), 1e-6) << row.name;
  // The base N(0, 1) shrinks by exp(-rate T) about mu.
  const double s = std::exp(-std::exp(-0.3) * 0.8);
  const Matrix<double> mean = (1 - s) * field->theta().tail(3);
  const Matrix<double> z = (x.colwise() - mean.col(0)) / s;
  const RowVector<double> expected = standard_normal_log_density<double>(z).array() - 3 * std::log(s);
  EXPECT_LT((flow.log_prob(x, none, {.solver = {.rtol = 1e-9, .atol = 1e-9}}).log_prob - expected).cwiseAbs().maxCoeff(), 1e-7);
}

}  // namespace
}  // namespace pathline
