#include "verify/cubature.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include <boost/math/quadrature/gauss_kronrod.hpp>

namespace pathline {
namespace {

// A rule on [-1, 1]^d whose weights have the sum 1, with a rule of lower degree on the same nodes, and the fourth
// differences that say along which axis the integrand is roughest.
struct Rule {
  Matrix<double> nodes;               // d x n
  RowVector<double> weights, coarse;  // 1 x n
  Matrix<double> roughness;           // n x d
};

// Gauss and Kronrod's 15 nodes, with the 7 of Gauss.
Rule rule_of_one_dimension() {
  using Kronrod = boost::math::quadrature::gauss_kronrod<double, 15>;
  using Gauss = boost::math::quadrature::gauss<double, 7>;
  const auto& at = Kronrod::abscissa();
  const auto& weights = Kronrod::weights();
  Rule out{Matrix<double>(1, 15), RowVector<double>(15), RowVector<double>::Zero(15), Matrix<double>::Zero(15, 1)};
  Index n = 0;
  for (std::size_t i = 0; i < at.size(); ++i)
    for (double sign : {-1.0, 1.0}) {
      if (i == 0 && sign > 0) continue;  // the centre
      out.nodes(0, n) = sign * at[i], out.weights[n] = weights[i] / 2;
      if (i % 2 == 0) out.coarse[n] = Gauss::weights()[i / 2] / 2;
      ++n;
    }
  return out;
}

// Genz & Malik 1980, "An adaptive algorithm for numerical integration over an N-dimensional rectangular region": degree
// 7 with an embedded rule of degree 5, 17 nodes in two dimensions and 33 in three.
Rule rule_of_genz_and_malik(Index d) {
  const double n = static_cast<double>(d);
  const double l2 = std::sqrt(9.0 / 70), l4 = std::sqrt(9.0 / 10), l5 = std::sqrt(9.0 / 19);
  const Index pairs = 2 * d * (d - 1), corners = Index(1) << d, count = 1 + 4 * d + pairs + corners;
  Rule out{Matrix<double>::Zero(d, count), RowVector<double>(count), RowVector<double>::Zero(count),
           Matrix<double>::Zero(count, d)};
  Index k = 0;
  auto add = [&](double weight, double coarse) {
    out.weights[k] = weight, out.coarse[k] = coarse;
    return k++;
  };
  const Index centre = add((12824 - 9120 * n + 400 * n * n) / 19683, (729 - 950 * n + 50 * n * n) / 729);
  for (Index i = 0; i < d; ++i) {
    for (double sign : {-1.0, 1.0}) {
      const Index near = add(980.0 / 6561, 245.0 / 486), far = add((1820 - 400 * n) / 19683, (265 - 100 * n) / 1458);
      out.nodes(i, near) = sign * l2, out.nodes(i, far) = sign * l4;
      out.roughness(near, i) = 1, out.roughness(far, i) = -l2 * l2 / (l4 * l4);
    }
    out.roughness(centre, i) = -2 * (1 - l2 * l2 / (l4 * l4));
  }
  for (Index i = 0; i < d; ++i)
    for (Index j = 0; j < i; ++j)
      for (double a : {-l4, l4})
        for (double b : {-l4, l4}) {
          const Index at = add(200.0 / 19683, 25.0 / 729);
          out.nodes(i, at) = a, out.nodes(j, at) = b;
        }
  for (Index corner = 0; corner < corners; ++corner) {
    const Index at = add(6859.0 / 19683 / static_cast<double>(corners), 0);
    for (Index i = 0; i < d; ++i) out.nodes(i, at) = (corner >> i & 1) ? l5 : -l5;
  }
  assert(k == count);
  return out;
}

struct Cell {
  Box box;
  double value = 0, error = 0;
  Index axis = 0;  // the axis to be halved next
};

Index roughest_axis(const Box& box, const RowVector<double>& roughness) {
  // If the roughness is equal in all directions, the longest axis.
  Index axis = 0;
  if (roughness.maxCoeff() > 0)
    roughness.maxCoeff(&axis);
  else
    (box.high - box.low).maxCoeff(&axis);
  return axis;
}

void evaluate(const std::function<RowVector<double>(const Matrix<double>&)>& f, const Rule& rule,
              std::vector<Cell>& cells) {
  const Index n = rule.nodes.cols(), d = rule.nodes.rows(), count = static_cast<Index>(cells.size());
  Matrix<double> points(d, n * count);
  for (Index k = 0; k < count; ++k) {
    const auto& box = cells[static_cast<std::size_t>(k)].box;
    const Vector<double> centre = (box.low + box.high) / 2, half = (box.high - box.low) / 2;
    points.middleCols(n * k, n) = (rule.nodes.array().colwise() * half.array()).matrix().colwise() + centre;
  }
  const RowVector<double> values = f(points);
  for (Index k = 0; k < count; ++k) {
    auto& cell = cells[static_cast<std::size_t>(k)];
    const RowVector<double> v = values.segment(n * k, n);
    cell.value = cell.box.volume() * v.dot(rule.weights);
    cell.error = std::abs(cell.value - cell.box.volume() * v.dot(rule.coarse));
    cell.axis = roughest_axis(cell.box, (v * rule.roughness).cwiseAbs());
  }
}

std::array<Cell, 2> halves(const Cell& cell) {
  std::array<Cell, 2> out{Cell{cell.box}, Cell{cell.box}};
  const double middle = (cell.box.low[cell.axis] + cell.box.high[cell.axis]) / 2;
  out[0].box.high[cell.axis] = middle, out[1].box.low[cell.axis] = middle;
  return out;
}

}  // namespace

Integral integrate(const std::function<RowVector<double>(const Matrix<double>&)>& f, const std::vector<Box>& boxes,
                   const CubatureOptions& options) {
  if (boxes.empty()) return {0, 0, 0};
  const Index d = boxes.front().low.size();
  const Rule rule = d == 1 ? rule_of_one_dimension() : rule_of_genz_and_malik(d);
  std::vector<Cell> done, fresh;
  for (const auto& box : boxes) fresh.push_back({box});
  const auto smaller = [](const Cell& a, const Cell& b) { return a.error < b.error; };
  for (Index spent = 0;;) {
    evaluate(f, rule, fresh);
    spent += static_cast<Index>(fresh.size()) * rule.nodes.cols();
    for (auto& cell : fresh) {
      done.push_back(std::move(cell));
      std::push_heap(done.begin(), done.end(), smaller);
    }
    Integral out{0, 0, spent};
    for (const auto& cell : done) out.value += cell.value, out.error += cell.error;
    const bool finite = std::isfinite(out.value) && std::isfinite(out.error);
    if (!finite || out.error <= options.tolerance || spent >= options.evaluations) return out;
    // The worst cells, as many as contribute half of the error.
    fresh.clear();
    for (double carried = 0; !done.empty() && carried < out.error / 2 && fresh.size() < 512;) {
      std::pop_heap(done.begin(), done.end(), smaller);
      carried += done.back().error;
      for (auto& half : halves(done.back())) fresh.push_back(std::move(half));
      done.pop_back();
    }
  }
}

namespace {

// Divides the box into one close around its points, with a quarter of their extent on each side, and the remainder.
// Without that, a narrow ridge at the edge of a wide box lies between the nodes of the rule.
void add_trimmed(Box box, const Matrix<double>& points, std::vector<Box>& out) {
  const auto add = [&out](const Box& part) {
    if (part.volume() > 0) out.push_back(part);
  };
  for (Index i = 0; i < box.low.size() && points.cols() > 0; ++i) {
    const double low = points.row(i).minCoeff(), high = points.row(i).maxCoeff(), margin = (high - low) / 4;
    Box below = box, above = box;
    below.high[i] = box.low[i] = std::clamp(low - margin, box.low[i], box.high[i]);
    above.low[i] = box.high[i] = std::clamp(high + margin, box.low[i], box.high[i]);
    add(below), add(above);
  }
  add(box);
}

}  // namespace

std::vector<Box> boxes_of_points(const Box& box, const Matrix<double>& points, Index most) {
  struct Part {
    Box box;
    std::vector<Index> inside;
    Index axis;
  };
  std::vector<Index> all(static_cast<std::size_t>(points.cols()));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Index>(i);
  std::vector<Part> open{{box, all, 0}};
  std::vector<Box> out;
  while (!open.empty()) {
    Part part = std::move(open.back());
    open.pop_back();
    if (static_cast<Index>(part.inside.size()) <= most) {
      add_trimmed(part.box, points(Eigen::all, part.inside), out);
      continue;
    }
    const auto middle = part.inside.begin() + static_cast<std::ptrdiff_t>(part.inside.size() / 2);
    std::nth_element(part.inside.begin(), middle, part.inside.end(),
                     [&](Index a, Index b) { return points(part.axis, a) < points(part.axis, b); });
    const double cut = points(part.axis, *middle);
    const Index next = (part.axis + 1) % points.rows();
    Part lower{part.box, {part.inside.begin(), middle}, next}, upper{part.box, {middle, part.inside.end()}, next};
    lower.box.high[part.axis] = cut, upper.box.low[part.axis] = cut;
    open.push_back(std::move(lower)), open.push_back(std::move(upper));
  }
  return out;
}

}  // namespace pathline
