#include "pathline/checkpoint/model.hpp"

int main() {
  const auto model = pathline::read_model<double>("models/moons.h5");
  const pathline::Matrix<double> x = pathline::Matrix<double>::Random(model.flow.dim(), 1000), no_condition(0, 0);
  const pathline::RowVector<double> log_p = model.flow.log_prob(x, no_condition).log_prob;
  const auto drawn = model.flow.sample(1000, /*seed=*/1);  // drawn.points, drawn.log_prob
  return log_p.allFinite() && drawn.points.allFinite() ? 0 : 1;
}
