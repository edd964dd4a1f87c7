#include "pathline/checkpoint/known_answers.hpp"

#include <algorithm>

#include "pathline/core/error.hpp"
#include "pathline/flow/flow_mixture.hpp"

namespace pathline {
namespace {

constexpr Index kDraws = 6, kFar = 2, kPoints = kDraws + kFar;
constexpr double kFarWidth = 4;  // standard deviations

double flops_of_point(const Flow<double>& flow) {
  constexpr double kEvaluations = 300;
  double flops = 0;
  for (const auto* block : flow.blocks())
    flops += kEvaluations * block->field->flops(TangentDirections<double>::identity(flow.dim()));
  if (const auto* mixture = flow.members())
    for (const auto& member : mixture->members()) flops += flops_of_point(member);
  return flops;
}

// The number of points whose log-densities take about a tenth of a second: a function of the model alone, because the
// same training has to write the same file on every machine.
Index affordable_points(const Flow<double>& flow) {
  constexpr double kMostFlops = 4e9;
  const double flops = flops_of_point(flow);
  return flops > 0 ? static_cast<Index>(std::min<double>(kPoints, kMostFlops / flops)) : kPoints;
}

Matrix<double> conditions(const Flow<double>& flow, Index n) {
  Matrix<double> c(flow.condition_dim(), n);
  Engine engine = make_stream(0, "checkpoint.answers.condition");
  fill_normal<double>(engine, c);
  return (c.array().colwise() * flow.condition_scale.array()).matrix().colwise() + flow.condition_mean;
}

}  // namespace

RowVector<double> known_log_prob(const Flow<double>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c) {
  return flow
      .log_prob(x, c, {.solver = {.stepper = StepperKind::fehlberg78, .rtol = 1e-9, .atol = 1e-9, .max_steps = 100000}})
      .log_prob;
}

KnownAnswers known_answers(const Flow<double>& flow) {
  const Index n = affordable_points(flow), draws = std::min(n, kDraws);
  const KnownAnswers none{Matrix<double>(flow.dim(), 0), Matrix<double>(flow.condition_dim(), 0), RowVector<double>(0)};
  if (n == 0) return none;
  KnownAnswers out{Matrix<double>(flow.dim(), n), conditions(flow, n), RowVector<double>(n)};
  Engine engine = make_stream(0, "checkpoint.answers");
  Matrix<double> z(flow.dim(), n);
  try {
    flow.base->sample(engine, z, flow.standardized_condition(out.condition));  // the base of an ensemble solves ODEs, too
    out.points.leftCols(draws) = flow.push(z.leftCols(draws), {.density = false}, out.condition.leftCols(draws)).points;
    fill_normal<double>(engine, z);
    out.points.rightCols(n - draws) = flow.in_data_units(kFarWidth * z.rightCols(n - draws));
    out.log_density = known_log_prob(flow, out.points, out.condition);
  } catch (const NumericalError&) {
    return none;
  } catch (const InputError&) {  // a point at infinity
    return none;
  }
  return out.log_density.allFinite() ? out : none;
}

}  // namespace pathline
