#include "pathline/objective/gradient_check.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/option_check.hpp"

namespace pathline {
namespace {

GradientOptions reference_options(const GradientOptions& options, double tolerance) {
  if (options.solver.steps > 0 && options.adjoint == AdjointKind::discrete) return options;
  GradientOptions fine = options;
  fine.adjoint = AdjointKind::backsolve;  // because its forward solve works with every stepper
  fine.solver = {.rtol = tolerance, .atol = tolerance, .max_steps = 100000};
  return fine;
}

Matrix<double> unit_direction(Engine& engine, Index rows, Index cols) {
  Matrix<double> v(rows, cols);
  fill_normal<double>(engine, v);
  return v / v.norm();
}

// Returns the gradient with respect to x in the units of the data, from that with respect to the standardized data. The
// loss contains the log-determinant of the data side with the weight -1 / N.
Matrix<double> by_data(const Flow<double>& flow, ConstMatrixRef<double> x, const Matrix<double>& by_z) {
  TransformScratch<double> scratch;
  ChainTape<double> tape;
  Matrix<double> z = x, out = by_z, none(0, 0);
  Vector<double> no_theta;
  RowVector<double> log_det = RowVector<double>::Zero(x.cols());
  const RowVector<double> weight = RowVector<double>::Constant(x.cols(), -1 / static_cast<double>(x.cols()));
  const SolveOptions<double> nothing_is_solved;
  const TransformContext<double> context{scratch, nothing_is_solved, none};
  flow.data_side.apply(Direction::data_to_base, z, &log_det, context, &tape);
  flow.data_side.pullback(tape, {out, weight, no_theta, none}, context);
  return out;
}

}  // namespace

double GradientCheckRow::error() const { return std::abs(gradient - difference) / std::max(scale, 1e-3); }

std::vector<GradientCheckRow> check_gradient(const Flow<double>& flow, ConstMatrixRef<double> x,
                                             ConstMatrixRef<double> c, const GradientOptions& options,
                                             const GradientCheckOptions& check) {
  require(check.step > 0, "step", check.step, "> 0");
  require(check.tolerance > 0, "tolerance", check.tolerance, "> 0");
  const auto gradient = nll_gradient(flow, x, c, options);
  const auto fine = reference_options(options, check.tolerance);
  auto moved = flow;
  const Vector<double> theta = flow.theta();
  auto loss = [&](const Matrix<double>& points, const Matrix<double>& condition) {
    const auto g = nll_gradient(moved, points, condition, fine);
    return g.nll + g.penalty;
  };
  auto slope = [&](const std::function<double(double)>& along) {
    return (along(check.step) - along(-check.step)) / (2 * check.step);
  };

  Engine engine = make_stream(check.seed, "gradient_check");
  std::vector<GradientCheckRow> rows;
  for (const auto& p : flow.parameters()) {
    Vector<double> direction = Vector<double>::Zero(theta.size());
    direction.segment(p.offset, p.size()) = unit_direction(engine, p.size(), 1);
    const double difference = slope([&](double h) {
      moved.set_theta(theta + h * direction);
      return loss(x, c);
    });
    rows.push_back(
        {p.name, gradient.theta.dot(direction), difference, gradient.theta.segment(p.offset, p.size()).norm()});
  }
  moved.set_theta(theta);
  const Matrix<double> by_x = by_data(flow, x, gradient.z);
  const Matrix<double> dx = unit_direction(engine, x.rows(), x.cols());
  rows.push_back({"z", by_x.cwiseProduct(dx).sum(), slope([&](double h) { return loss(x + h * dx, c); }), by_x.norm()});
  if (c.rows() > 0) {
    const Matrix<double> dc = unit_direction(engine, c.rows(), c.cols());
    rows.push_back({"condition", gradient.condition.cwiseProduct(dc).sum(),
                    slope([&](double h) { return loss(x, c + h * dc); }), gradient.condition.norm()});
  }
  return rows;
}

}  // namespace pathline
