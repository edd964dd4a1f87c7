// What the checks share: points of the subject, its density in double and as it is evaluated by default.
#pragma once

#include <string>

#include "pathline/verify/check.hpp"

namespace pathline {

// The options of an evaluation with adaptive steps at this tolerance.
EvaluationOptions fine_options(const Subject& subject, double tolerance = 1e-9);

// n conditions, dc x n: those of the data in turn; without data, uniform in the range of the training data; if that is not
// known, normal with their mean and scale. No rows without a condition.
Matrix<double> draw_conditions(const Subject& subject, Index n, const char* purpose);
// As many points of the base, d x n, as there are conditions c, dc x n.
Matrix<double> draw_base(const Subject& subject, Index n, const char* purpose, const Matrix<double>& c);

// As `density` and `sample` do by default: in float if the model is, with its own solver.
RowVector<double> default_log_prob(const Subject& subject, ConstMatrixRef<double> x, ConstMatrixRef<double> c);
Matrix<double> default_samples(const Subject& subject, Index n, const char* purpose, ConstMatrixRef<double> c);

// At most n columns of the data, chosen at random; the same for every call with this purpose.
struct DataPart {
  Matrix<double> x, c;
};
DataPart draw_data(const Subject& subject, Index n, const char* purpose);

// The figure keeps its bound, or the check fails; a NaN does not keep it. verify() sets the name.
Check at_most(double figure, double bound, std::string detail);
Check at_least(double figure, double bound, std::string detail);
Check skipped(std::string why);

// The same subject with another flow, on the same columns. single: in float, null without.
inline Subject with_flow(const Subject& s, const Flow<double>& flow, const Flow<float>* single) {
  return {.flow = flow,
          .single = single,
          .evaluation = s.evaluation,
          .condition_range = s.condition_range,
          .x = s.x,
          .c = s.c,
          .target = s.target,
          .seed = s.seed,
          .threads = s.threads};
}

// check(subject) of the flow on the real line, whose map is one to one, if columns of the subject are periodic.
template <class Rule> Check on_the_line(const Subject& s, Rule check) {
  Flow<double> line = s.flow;
  line.set_periods({});
  return check(with_flow(s, line, nullptr));
}

}  // namespace pathline
