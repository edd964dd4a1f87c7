#include "verify/subject.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "pathline/core/random.hpp"

namespace pathline {

EvaluationOptions fine_options(const Subject& s, double tolerance) {
  const SolverOptions solver{
      .rtol = tolerance, .atol = tolerance, .max_steps = 100000};
  return {.solver = solver, .seed = s.seed, .threads = s.threads};
}

Matrix<double> draw_conditions(const Subject& s, Index n, const char* purpose) {
  const Index dc = s.flow.condition_dim();
  if (dc == 0) return Matrix<double>(0, 0);
  Matrix<double> out(dc, n);
  if (s.c.cols() > 0) {
    for (Index i = 0; i < n; ++i) out.col(i) = s.c.col(i % s.c.cols());
    return out;
  }
  Engine engine = make_stream(s.seed, purpose, 1);
  if (s.condition_range.rows() == dc) {
    fill_uniform<double>(engine, out);
    const Vector<double> low = s.condition_range.col(0), width = s.condition_range.col(1) - low;
    out = (out.array().colwise() * width.array()).matrix().colwise() + low;
  } else {
    fill_normal<double>(engine, out);
    out = (out.array().colwise() * s.flow.condition_scale.array()).matrix().colwise() + s.flow.condition_mean;
  }
  return out;
}

Matrix<double> draw_base(const Subject& s, Index n, const char* purpose, const Matrix<double>& c) {
  Matrix<double> z(s.flow.dim(), n);
  Engine engine = make_stream(s.seed, purpose);
  s.flow.base->sample(engine, z, s.flow.standardized_condition(c));
  return z;
}

namespace {

EvaluationOptions default_options(const Subject& s) {
  return {.solver = s.evaluation, .seed = s.seed, .threads = s.threads};
}

}  // namespace

RowVector<double> default_log_prob(const Subject& s, ConstMatrixRef<double> x, ConstMatrixRef<double> c) {
  const auto options = default_options(s);
  return s.single ? s.single->log_prob(x, c, options).log_prob : s.flow.log_prob(x, c, options).log_prob;
}

Matrix<double> default_samples(const Subject& s, Index n, const char* purpose, ConstMatrixRef<double> c) {
  auto options = default_options(s);
  options.density = false;
  if (s.flow.members()) {  // each draw is mapped by the member that it belongs to
    const auto seed = make_stream(s.seed, purpose)();
    return s.single ? s.single->sample(n, seed, options, c).points : s.flow.sample(n, seed, options, c).points;
  }
  const Matrix<double> z = draw_base(s, n, purpose, c);
  return s.single ? s.single->push(z.cast<float>(), options, c).points : s.flow.push(z, options, c).points;
}

DataPart draw_data(const Subject& s, Index n, const char* purpose) {
  std::vector<Index> order(static_cast<std::size_t>(s.x.cols()));
  std::iota(order.begin(), order.end(), Index(0));
  Engine engine = make_stream(s.seed, purpose);
  n = std::min(n, s.x.cols());
  for (Index i = 0; i < n; ++i)  // Fisher and Yates' shuffle of the first n
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(i + uniform_index(engine, s.x.cols() - i))]);
  order.resize(static_cast<std::size_t>(n));
  DataPart out;
  out.x = s.x(Eigen::all, order);
  out.c = s.c.rows() > 0 ? Matrix<double>(s.c(Eigen::all, order)) : Matrix<double>(0, 0);
  return out;
}

Check at_most(double figure, double bound, std::string detail) {
  const auto verdict = figure <= bound ? Verdict::pass : Verdict::fail;
  return {"", figure, bound, Check::Side::at_most, {}, verdict, std::move(detail)};
}

Check at_least(double figure, double bound, std::string detail) {
  const auto verdict = figure >= bound ? Verdict::pass : Verdict::fail;
  return {"", figure, bound, Check::Side::at_least, {}, verdict, std::move(detail)};
}

Check skipped(std::string why) {
  return {"", std::nan(""), std::nan(""), Check::Side::at_most, {}, Verdict::skipped, std::move(why)};
}

std::string to_string(Verdict verdict) {
  return verdict == Verdict::pass ? "pass" : verdict == Verdict::fail ? "FAIL" : "skipped";
}

}  // namespace pathline
