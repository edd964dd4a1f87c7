#include "recipe/fitted_mixture.hpp"

#include <limits>
#include <memory>

#include "core/log_sum_exp.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/fit/conditional_mixture.hpp"

namespace pathline {
namespace {

// A flow that does nothing between the units of the data and the coordinates of its base.
Flow<double> flow_in_units_of(const TrainingData& data) {
  auto field = std::make_shared<Mlp<double>>(
      MlpOptions{.dim = data.dim(), .condition_dim = data.condition_dim(), .hidden = {1}});
  Flow<double> flow{Cnf<double>(field)};
  data.set_units(flow);
  return flow;
}

}  // namespace

BaseRows base_rows_of(const TrainingData& data, Index most_rows) {
  return base_rows(flow_in_units_of(data), data, most_rows);
}

RowVector<double> log_density(const FittedMixture& fitted, const TrainingData::Points& at) {
  const auto& mixture = fitted.mixture;
  const auto flow = flow_in_units_of(fitted.data);
  const ConditionalMixture conditional(mixture, flow.condition_dim());
  const auto& x = at.x;
  const Matrix<double> c = flow.standardized_condition(at.c);
  const auto on_the_line = [&](const Matrix<double>& points, const Matrix<double>& conditions) {
    RowVector<double> log_det = RowVector<double>::Zero(points.cols());
    const Matrix<double> z = flow.standardized(points, &log_det);
    return RowVector<double>(conditional.log_density(z, conditions) + log_det);
  };
  if (!flow.periods()) return on_the_line(x, c);
  RowVector<double> out = RowVector<double>::Constant(x.cols(), -std::numeric_limits<double>::infinity());
  for (const auto& image : flow.periods()->images(x)) {
    const RowVector<double> of_image =
        on_the_line(image.x, c.rows() > 0 ? Matrix<double>(c(Eigen::all, image.points)) : c);
    for (std::size_t k = 0; k < image.points.size(); ++k) {
      double& sum = out[image.points[k]];
      sum = log_sum_exp(Eigen::Array2d(sum, of_image[static_cast<Index>(k)]));
    }
  }
  return out;
}

}  // namespace pathline
