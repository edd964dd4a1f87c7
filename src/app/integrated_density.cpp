#include "app/integrated_density.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/log_sum_exp.hpp"
#include "core/name_list.hpp"
#include "data/quadrature.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

constexpr Index kDraws = 4096, kMostIntegrated = 2;
constexpr int kNodes[] = {128, 40};                  // of each column, if there are one or two
// Nodes for each discrete column, by the number of these columns; with more columns, the midpoint. A density with marginal
// maps has kinks at their knots: 8 nodes have an error of 0.3 % for a Poisson distribution, 24 nodes of 0.03 %.
constexpr int kCellNodes[] = {1, 24, 10, 5, 3, 2, 2};

// The centre of a cell of a grid, such as 2 in -0.5:4.5:5, may be rounded to just below the integer.
RowVector<double> integer_below(const RowVector<double>& x) { return (x.array() + 1e-9).floor(); }

// Maps the value of column i between x and s by the bounds. The log-determinant of the map is added to log_det.
double through(const Bounds<double>* bounds, Direction direction, Index i, double v, double* log_det) {
  if (!bounds) return v;
  const Bounds<double> one(bounds->low().segment(i, 1), bounds->high().segment(i, 1), bounds->inset().segment(i, 1));
  TransformScratch<double> scratch;
  const SolveOptions<double> options;
  const Matrix<double> none(0, 0);
  Matrix<double> z = Matrix<double>::Constant(1, 1, v);
  RowVector<double> sum = RowVector<double>::Zero(1);
  one.apply(direction, z, &sum, {scratch, options, none}, nullptr);
  if (log_det) *log_det += sum(0);
  return z(0, 0);
}

}  // namespace

std::vector<Index> discrete_columns(const ModelCard& card, const std::vector<Index>& out) {
  std::vector<Index> places;
  for (const auto& name : card.discrete)
    if (const Index i = place_of(card.columns, name);
        i < std::ssize(card.columns) && std::find(out.begin(), out.end(), i) == out.end())
      places.push_back(i);
  return places;
}

// The nodes of one column with the logarithms of their weights.
template <class S> struct IntegratedDensity<S>::Rule {
  std::vector<double> x, log_weight;

  static Rule periodic(double start, double length, int nodes) {
    Rule out;
    for (int i = 0; i < nodes; ++i)
      out.x.push_back(start + length * i / nodes), out.log_weight.push_back(std::log(length / nodes));
    return out;
  }
  static Rule unit_cell(int nodes) {
    const auto gauss = gauss_legendre(nodes);
    Rule out;
    for (int i = 0; i < nodes; ++i)
      out.x.push_back((1 + gauss.nodes(i)) / 2), out.log_weight.push_back(std::log(gauss.weights(i) / 2));
    return out;
  }
  // The rule for a whole column i, whose draws give its range.
  static Rule line(const RowVector<double>& draws, const Bounds<double>* bounds, Index i, int nodes) {
    std::vector<double> s;
    for (const double x : draws) s.push_back(through(bounds, Direction::data_to_base, i, x, nullptr));
    std::sort(s.begin(), s.end());
    const std::size_t n = s.size();
    const double median = s[n / 2], quartiles = s[3 * n / 4] - s[n / 4], range = s.back() - s.front();
    const double width = quartiles > 0 ? quartiles : range > 0 ? range : 1;
    const double from = std::asinh((s.front() - range / 4 - median) / width),
                 to = std::asinh((s.back() + range / 4 - median) / width), step = (to - from) / (nodes - 1);
    Rule out;
    for (int k = 0; k < nodes; ++k) {
      const double t = from + k * step;
      double log_weight = std::log(step * width * std::cosh(t));
      out.x.push_back(through(bounds, Direction::base_to_data, i, median + width * std::sinh(t), &log_weight));
      out.log_weight.push_back(log_weight);
    }
    return out;
  }
};

// Adds a column: the tensor product of the present nodes with those of the rule.
template <class S> void IntegratedDensity<S>::multiply(const Rule& rule) {
  const Matrix<double> before = nodes_;
  const RowVector<double> weight = log_weight_;
  const Index n = std::ssize(rule.x), have = before.cols();
  nodes_.resize(before.rows() + 1, n * have), log_weight_.resize(n * have);
  for (Index k = 0; k < n; ++k) {
    nodes_.middleCols(k * have, have) << before, RowVector<double>::Constant(have, rule.x[static_cast<std::size_t>(k)]);
    log_weight_.segment(k * have, have) = weight.array() + rule.log_weight[static_cast<std::size_t>(k)];
  }
}

template <class S>
IntegratedDensity<S>::IntegratedDensity(const Flow<S>& flow, Integration columns, const Matrix<double>& condition,
                                        const EvaluationOptions& options)
    : flow_(flow), columns_(std::move(columns)), nodes_(0, 1), log_weight_(RowVector<double>::Zero(1)) {
  const auto count = std::ssize(columns_.out);
  if (count > kMostIntegrated)
    throw InputError(
        fmt::format("--grid: {} columns have no axis; at most {} can be integrated out: give the others a "
                    "value, or make a histogram of `pathline sample`",
                    count, kMostIntegrated));
  const Matrix<double> drawn = count > 0 ? draws(condition, options) : Matrix<double>();
  for (const Index i : columns_.out) {
    const int nodes = kNodes[count - 1];
    const auto* periods = flow.periods();
    multiply(periods && periods->length()(i) > 0 ? Rule::periodic(periods->start()(i), periods->length()(i), nodes)
                                                 : Rule::line(drawn.row(i), flow.bounds(), i, nodes));
  }
  const auto cells = columns_.discrete.size();
  for (std::size_t k = 0; k < cells; ++k)
    multiply(Rule::unit_cell(cells < std::size(kCellNodes) ? kCellNodes[cells] : 1));
}

template <class S>
Matrix<double> IntegratedDensity<S>::draws(const Matrix<double>& condition, const EvaluationOptions& options) const {
  auto fast = options;
  fast.density = false, fast.first = 0;
  const Matrix<double> c = condition.replicate(1, condition.rows() > 0 ? kDraws : 1);
  if (!columns_.time) return flow_.sample(kDraws, 0, fast, c).points;
  std::vector<Matrix<double>> along;
  flow_.trajectory(flow_.draw_base(kDraws, 0, fast.tile, 0, c), {*columns_.time}, along, fast, c);
  return along.front();
}

template <class S> LogProb<S> IntegratedDensity<S>::log_prob_at(ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                                                const EvaluationOptions& options) const {
  return columns_.time ? flow_.log_prob_at(*columns_.time, x, c, options) : flow_.log_prob(x, c, options);
}

template <class S> LogProb<S> IntegratedDensity<S>::log_prob(const Matrix<double>& x, const Matrix<double>& c,
                                                             const EvaluationOptions& options) const {
  if (columns_.empty()) return log_prob_at(x, c, options);
  LogProb<S> out;
  Matrix<double> at = x, terms(nodes(), x.cols());
  for (Index k = 0; k < nodes(); ++k) {
    Index row = 0;
    for (const Index i : columns_.out) at.row(i).setConstant(nodes_(row++, k));
    for (const Index i : columns_.discrete) at.row(i) = integer_below(x.row(i)).array() + nodes_(row, k), ++row;
    const auto got = log_prob_at(at, c, options);
    terms.row(k) = got.log_prob.array() + log_weight_(k);
    out.report.add(got.report), out.nfe += got.nfe;
  }
  out.log_prob.resize(x.cols());
  for (Index b = 0; b < x.cols(); ++b) out.log_prob(b) = log_sum_exp(terms.col(b).array());
  return out;
}

template class IntegratedDensity<float>;
template class IntegratedDensity<double>;

}  // namespace pathline
