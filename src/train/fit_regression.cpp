#include "pathline/train/fit_regression.hpp"

#include <cmath>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

void check_numbers(const char* name, ConstMatrixRef<double> values) {
  for (Index row = 0; row < values.cols(); ++row)
    for (Index column = 0; column < values.rows(); ++column)
      if (!std::isfinite(values(column, row)))
        throw InputError(
            fmt::format("{}: row {}, column {} is {}: must be finite", name, row + 1, column + 1, values(column, row)));
}

// Mean and standard deviation of each row of `values`; of a constant one, the scale is 1.
void standardize(ConstMatrixRef<double> values, bool on, Vector<double>& mean, Vector<double>& scale) {
  const Index d = values.rows();
  mean = Vector<double>::Zero(d), scale = Vector<double>::Ones(d);
  if (!on) return;
  mean = values.rowwise().mean();
  scale = ((values.colwise() - mean).rowwise().squaredNorm() / static_cast<double>(values.cols())).cwiseSqrt();
  for (double& s : scale)
    if (!(s > 0)) s = 1;
}

}  // namespace

SavedRegression fit_regression(const RegressionSpec& spec, ConstMatrixRef<double> x, ConstMatrixRef<double> y,
                               const FitRegressionOptions& options) {
  if (x.cols() < 1 || y.cols() != x.cols())
    throw InputError(
        fmt::format("x has {} rows and y has {}; expected the same number, 1 or more", x.cols(), y.cols()));
  check_numbers("x", x), check_numbers("y", y);
  SavedRegression out;
  out.spec = spec;
  out.spec.maps.inputs = x.rows(), out.spec.maps.outputs = y.rows();
  standardize(x, options.standardize, out.x_mean, out.x_scale);
  standardize(y, options.standardize, out.y_mean, out.y_scale);
  Engine engine = make_stream(options.fit.seed, "fit.weights");
  const auto model = make_regressor<double>(out.spec, engine, options.start);
  const Matrix<double> z = (x.colwise() - out.x_mean).array().colwise() / out.x_scale.array();
  const Matrix<double> target = (y.colwise() - out.y_mean).array().colwise() / out.y_scale.array();
  (void)fit<double>(*model, z, target, {}, options.fit);
  out.theta = model->theta();
  return out;
}

}  // namespace pathline
