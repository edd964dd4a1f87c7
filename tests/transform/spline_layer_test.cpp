#include "pathline/transform/spline_layer.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

SplineLayer<double> layer_of(std::vector<Index> steps, bool random) {
  SplineLayer<double> layer({.dim = static_cast<Index>(steps.size()), .steps = steps, .hidden = {16, 16}, .bins = 8});
  Engine engine = make_stream(1, "test.splines");
  layer.initialize(engine);
  if (random) {
    Matrix<double> theta(layer.parameter_count(), 1);
    fill_normal<double>(engine, theta);
    layer.set_theta(layer.theta() + 0.3 * theta.col(0));
  }
  return layer;
}

Matrix<double> map(const SplineLayer<double>& layer, Matrix<double> z, RowVector<double>& log_det,
                   Direction direction = Direction::data_to_base) {
  TransformScratch<double> scratch;
  const SolveOptions<double> options;
  const Matrix<double> condition(0, z.cols());
  log_det.setZero(z.cols());
  layer.apply(direction, z, &log_det, {scratch, options, condition}, nullptr);
  return z;
}

Matrix<double> normal_points(Index d, Index n) {
  Engine engine = make_stream(2, "test.splines");
  Matrix<double> z(d, n);
  fill_normal<double>(engine, z);
  return 3 * z;  // some outside of the bound
}

TEST(SplineLayer, BeginsAsTheIdentity) {
  const auto layer = layer_of({2, 0, 1}, false);
  const auto z = normal_points(3, 50);
  RowVector<double> log_det;
  EXPECT_LT((map(layer, z, log_det) - z).cwiseAbs().maxCoeff(), 1e-9);  // the shift of the softplus has ten digits
  EXPECT_LT(log_det.cwiseAbs().maxCoeff(), 1e-8);
}

// A column depends on the columns of earlier steps alone: otherwise the log-determinant would not be that of the map.
TEST(SplineLayer, AColumnSeesTheColumnsOfEarlierStepsAlone) {
  for (const auto& steps : {std::vector<Index>{2, 0, 1, 3}, std::vector<Index>{1, 0, 1, 0}}) {
    const auto layer = layer_of(steps, true);
    const auto z = normal_points(4, 20);
    RowVector<double> log_det;
    const auto y = map(layer, z, log_det);
    for (std::size_t j = 0; j < 4; ++j) {
      Matrix<double> moved = z;
      moved.row(static_cast<Index>(j)).array() += 0.1;
      const Matrix<double> change = map(layer, moved, log_det) - y;
      for (std::size_t i = 0; i < 4; ++i)
        if (i != j)
          EXPECT_EQ(change.row(static_cast<Index>(i)).cwiseAbs().maxCoeff() > 0, steps[i] > steps[j]) << i << j;
    }
  }
}

TEST(SplineLayer, FloatAgreesWithDouble) {
  const auto layer = layer_of({2, 0, 1}, true);
  SplineLayer<float> narrow(layer.options());
  narrow.set_theta(layer.theta());
  const auto z = normal_points(3, 200);
  RowVector<double> log_det, narrow_det = RowVector<double>::Zero(200);
  const auto y = map(layer, z, log_det);
  TransformScratch<float> scratch;
  const SolveOptions<float> options;
  const Matrix<float> condition(0, 200);
  Matrix<float> small = z.cast<float>();
  narrow.apply(Direction::data_to_base, small, &narrow_det, {scratch, options, condition}, nullptr);
  EXPECT_LT((small.cast<double>() - y).cwiseAbs().maxCoeff(), 1e-4);
  EXPECT_LT((narrow_det - log_det).cwiseAbs().maxCoeff(), 1e-3);
}

TEST(SplineLayer, AnOptionOutOfItsRangeIsAnError) {
  EXPECT_THROW(SplineLayer<double>({.dim = 2, .steps = {0}}), InputError);
  EXPECT_THROW(SplineLayer<double>({.dim = 2, .steps = {0, 2}}), InputError);
  EXPECT_THROW(SplineLayer<double>({.dim = 2, .steps = {0, 1}, .hidden = {}}), InputError);
  EXPECT_THROW(SplineLayer<double>({.dim = 2, .steps = {0, 1}, .bins = 1}), InputError);
  EXPECT_THROW(SplineLayer<double>({.dim = 2, .steps = {0, 1}, .bound = std::nan("")}), InputError);
}

}  // namespace
}  // namespace pathline
