#include "app/integrated_density.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "core/name_list.hpp"
#include "data/quadrature.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

constexpr Index kDraws = 4096, kMostIntegrated = 2;
constexpr int kSteps[] = {128, 40};  // of each column at first, if there are one or two
constexpr int kMostDoublings[] = {6, 2};
constexpr double kMostNodes = 1 << 17;  // of a point, after doubling: a node is an evaluation of the density
constexpr double kResolved = 1e-3;      // nats: the change from half as many nodes, far above the error that remains
// Nodes for each discrete column, by the number of these columns; with more columns, the midpoint. Where no column is
// integrated out, half as many come first, and they are doubled until the mass of the cell is known: a density with
// marginal maps has kinks at their knots, and a mixture may have components narrower than a cell.
constexpr int kCellNodes[] = {1, 24, 10, 4, 2, 2, 2};
constexpr double kMostCellNodes = 1 << 12;  // of a point
constexpr double kCellResolved = 1e-5;      // nats: the change from half as many nodes

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

  static Rule periodic(double start, double length, int steps) {
    Rule out;
    for (int i = 0; i < steps; ++i)
      out.x.push_back(start + length * i / steps), out.log_weight.push_back(std::log(length / steps));
    return out;
  }
  static Rule unit_cell(int nodes) {
    const auto gauss = gauss_legendre(nodes);
    Rule out;
    for (int i = 0; i < nodes; ++i)
      out.x.push_back((1 + gauss.nodes(i)) / 2), out.log_weight.push_back(std::log(gauss.weights(i) / 2));
    return out;
  }
  // The rule for a whole column i, whose sorted draws s give its range.
  static Rule line(const RowVector<double>& s, const Bounds<double>* bounds, Index i, int steps) {
    const Index n = s.size();
    const double low = s[0], high = s[n - 1], range = high - low;
    const double median = s[n / 2], quartiles = s[3 * n / 4] - s[n / 4];
    const double width = quartiles > 0 ? quartiles : range > 0 ? range : 1;
    const double from = std::asinh((low - range / 4 - median) / width),
                 to = std::asinh((high + range / 4 - median) / width), step = (to - from) / steps;
    Rule out;
    for (int k = 0; k <= steps; ++k) {
      const double t = from + k * step;
      double log_weight = std::log(step * width * std::cosh(t));
      out.x.push_back(through(bounds, Direction::base_to_data, i, median + width * std::sinh(t), &log_weight));
      out.log_weight.push_back(log_weight);
    }
    return out;
  }
};

// The nodes of a point: columns (those out, then the discrete ones) x nodes. The coarse ones are every second of each
// column that is integrated out: the trapezoid rule with steps twice as long.
template <class S> struct IntegratedDensity<S>::Nodes {
  Matrix<double> at = Matrix<double>(0, 1);
  RowVector<double> log_weight = RowVector<double>::Zero(1);
  std::vector<bool> coarse = {true};
  Index count() const { return at.cols(); }

  // Adds a column: the tensor product of the present nodes with those of the rule.
  void multiply(const Rule& rule, bool halves) {
    const Nodes before = *this;
    const Index n = std::ssize(rule.x), have = before.count();
    at.resize(before.at.rows() + 1, n * have), log_weight.resize(n * have), coarse.clear();
    for (Index k = 0; k < n; ++k) {
      const auto i = static_cast<std::size_t>(k);
      at.middleCols(k * have, have) << before.at, RowVector<double>::Constant(have, rule.x[i]);
      log_weight.segment(k * have, have) = before.log_weight.array() + rule.log_weight[i];
      for (const bool kept : before.coarse) coarse.push_back(kept && (!halves || k % 2 == 0));
    }
  }
};

// The integrals by all nodes and by the coarse ones.
template <class S> struct IntegratedDensity<S>::Sums {
  RowVector<double> fine, coarse;  // 1 x N, logarithms
  SolveReport report;
  double nfe = 0;
};

template <class S>
IntegratedDensity<S>::IntegratedDensity(const Flow<S>& flow, Integration columns, const Matrix<double>& condition,
                                        const EvaluationOptions& options)
    : flow_(flow), columns_(std::move(columns)) {
  const auto count = std::ssize(columns_.out);
  if (count > kMostIntegrated)
    throw InputError(
        fmt::format("--grid: {} columns have no axis; at most {} can be integrated out: give the others a "
                    "value, or make a histogram of `pathline sample`",
                    count, kMostIntegrated));
  if (count == 0) return;
  const Matrix<double> drawn = draws(condition, options);
  for (const Index i : columns_.out) {
    auto& s = drawn_.emplace_back(drawn.row(i));
    for (double& v : s) v = through(flow.bounds(), Direction::data_to_base, i, v, nullptr);
    std::sort(s.begin(), s.end());
  }
  while (!(resolved_ = resolves(level_, drawn, condition, options)) && level_ < most_doublings()) ++level_;
}

// Whether no step around a draw holds more than half of the integral at it, but for a few draws, which may lie outside
// of the nodes.
template <class S> bool IntegratedDensity<S>::resolves(int level, const Matrix<double>& draws,
                                                       const Matrix<double>& condition,
                                                       const EvaluationOptions& options) const {
  constexpr Index kPoints = 32, kMostNarrow = 2;
  const Matrix<double> x = draws.leftCols(kPoints), c = condition.replicate(1, condition.rows() > 0 ? kPoints : 1);
  RowVector<double> in_step = log_prob_at(x, c, options).log_prob - sums(nodes(level), x, c, options).fine;
  for (std::size_t k = 0; k < columns_.out.size(); ++k) {
    const Rule steps = rule(k, level);
    for (Index b = 0; b < kPoints; ++b) {
      const auto distance = [&](double node) { return std::abs(node - x(columns_.out[k], b)); };
      const auto nearest = std::min_element(steps.x.begin(), steps.x.end(),
                                            [&](double one, double other) { return distance(one) < distance(other); });
      in_step[b] += steps.log_weight[static_cast<std::size_t>(nearest - steps.x.begin())];
    }
  }
  return (!(in_step.array() <= std::log(0.5))).count() <= kMostNarrow;
}

template <class S> int IntegratedDensity<S>::most_doublings() const {
  if (columns_.out.empty()) {
    int most = 0;
    while (columns_.discrete.size() < std::size(kCellNodes) &&
           std::pow(cell_nodes(most + 1), columns_.discrete.size()) <= kMostCellNodes)
      ++most;
    return most;
  }
  const auto columns = static_cast<double>(columns_.out.size()), cells = static_cast<double>(columns_.discrete.size());
  const double first = std::pow(kSteps[columns_.out.size() - 1], columns) * std::pow(cell_nodes(0), cells);
  int most = kMostDoublings[columns_.out.size() - 1];
  while (most > 0 && first * std::exp2(most * columns) > kMostNodes) --most;
  return most;
}

template <class S> int IntegratedDensity<S>::cell_nodes(int level) const {
  if (columns_.discrete.size() >= std::size(kCellNodes)) return 1;
  const int nodes = kCellNodes[columns_.discrete.size()];
  return columns_.out.empty() ? (nodes / 2) << level : nodes;
}

// The rule of the k-th column that is integrated out.
template <class S> auto IntegratedDensity<S>::rule(std::size_t k, int level) const -> Rule {
  const Index i = columns_.out[k];
  const int steps = kSteps[columns_.out.size() - 1] << level;
  const auto* periods = flow_.periods();
  return periods && periods->length()(i) > 0 ? Rule::periodic(periods->start()(i), periods->length()(i), steps)
                                             : Rule::line(drawn_[k], flow_.bounds(), i, steps);
}

template <class S> auto IntegratedDensity<S>::nodes(int level) const -> Nodes {
  Nodes out;
  for (std::size_t k = 0; k < columns_.out.size(); ++k) out.multiply(rule(k, level), true);
  for (std::size_t k = 0; k < columns_.discrete.size(); ++k) out.multiply(Rule::unit_cell(cell_nodes(level)), false);
  return out;
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

namespace {

// log sum_k exp(a_k) of each point, one k at a time.
class LogSum {
 public:
  explicit LogSum(Index points)
      : most_(RowVector<double>::Constant(points, -std::numeric_limits<double>::infinity())),
        sum_(RowVector<double>::Zero(points)) {}
  void add(Index b, double a) {
    if (a == -std::numeric_limits<double>::infinity()) return;
    if (a > most_[b]) sum_[b] *= std::exp(most_[b] - a), most_[b] = a;
    sum_[b] += std::exp(a - most_[b]);
  }
  RowVector<double> value() const { return most_.array() + sum_.array().log(); }

 private:
  RowVector<double> most_, sum_;
};

}  // namespace

// Where there are few points, several nodes of them are evaluated in one call.
template <class S> auto IntegratedDensity<S>::sums(const Nodes& nodes, const Matrix<double>& x, const Matrix<double>& c,
                                                   const EvaluationOptions& options) const -> Sums {
  constexpr Index kPoints = 1024;
  const Index n = x.cols(), most = nodes.count() > kSteps[0] + 1 ? std::max<Index>(1, kPoints / n) : 1;
  LogSum fine(n), coarse(n);
  Sums out;
  for (Index first = 0, count = 0; first < nodes.count(); first += count) {
    count = std::min(most, nodes.count() - first);
    Matrix<double> at = x.replicate(1, count);
    for (Index k = 0; k < count; ++k) {
      Index row = 0;
      auto part = at.middleCols(k * n, n);
      for (const Index i : columns_.out) part.row(i).setConstant(nodes.at(row++, first + k));
      for (const Index i : columns_.discrete)
        part.row(i) = integer_below(x.row(i)).array() + nodes.at(row++, first + k);
    }
    const auto got = log_prob_at(at, c.rows() > 0 ? Matrix<double>(c.replicate(1, count)) : c, options);
    for (Index k = 0; k < count; ++k)
      for (Index b = 0; b < n; ++b) {
        const double term = got.log_prob[k * n + b] + nodes.log_weight[first + k];
        fine.add(b, term);
        if (nodes.coarse[static_cast<std::size_t>(first + k)]) coarse.add(b, term);
      }
    out.report.add(got.report), out.nfe += got.nfe * static_cast<double>(count);
  }
  out.fine = fine.value();
  out.coarse = coarse.value().array() + std::log(2.0) * static_cast<double>(columns_.out.size());
  return out;
}

template <class S> IntegratedLogProb<S> IntegratedDensity<S>::log_prob(const Matrix<double>& x, const Matrix<double>& c,
                                                                       const EvaluationOptions& options) const {
  if (columns_.empty()) return {log_prob_at(x, c, options)};
  IntegratedLogProb<S> out;
  out.log_prob.resize(x.cols());
  std::vector<Index> open(static_cast<std::size_t>(x.cols()));
  std::iota(open.begin(), open.end(), Index{0});
  const bool cells_alone = columns_.out.empty();
  // Differences below the tolerance of a solve are its own.
  const double resolved = cells_alone ? std::max(kCellResolved, options.solver.rtol) : kResolved;
  Index wrong = 0;  // cells whose last two levels differ by more than the solver's own error
  for (int level = level_; !open.empty(); ++level) {
    auto got =
        sums(nodes(level), x(Eigen::all, open),
             c.rows() > 0 ? Matrix<double>(c(Eigen::all, open)) : Matrix<double>(c.rows(), std::ssize(open)), options);
    out.report.add(got.report);
    out.nfe += got.nfe * static_cast<double>(open.size()) / static_cast<double>(x.cols());
    if (cells_alone && level > level_) got.coarse = out.log_prob(open);
    const bool compared = !cells_alone || level > level_;
    std::vector<Index> still;
    wrong = 0;
    for (std::size_t k = 0; k < open.size(); ++k) {
      const auto b = static_cast<Index>(k);
      out.log_prob[open[k]] = got.fine[b];
      // Both are -inf outside of the bounds of a column that stays.
      const bool same = got.fine[b] == got.coarse[b] || std::abs(got.fine[b] - got.coarse[b]) <= resolved;
      if (!compared || !same) still.push_back(open[k]);
      wrong += compared && !same && std::abs(got.fine[b] - got.coarse[b]) > kResolved;
    }
    open = std::move(still);
    if (level == most_doublings()) break;
  }
  out.unresolved = cells_alone ? wrong : resolved_ ? std::ssize(open) : x.cols();
  return out;
}

template class IntegratedDensity<float>;
template class IntegratedDensity<double>;

}  // namespace pathline
