#include "app/contour.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace pathline::plot {
namespace {

// An edge between two neighbouring centres: from node (i, j) to the right, or upward.
struct Edge {
  Index i, j;
  bool upward;
  auto operator<=>(const Edge&) const = default;
};

// The density at the centres, with a border of zeros: node (i, j) is the centre of cell (i - 1, j - 1).
class Nodes {
 public:
  Nodes(const Matrix<double>& density, double level) : density_(density), level_(level) {}
  Index width() const { return density_.rows() + 2; }
  Index height() const { return density_.cols() + 2; }
  double at(Index i, Index j) const {
    const bool inside = i >= 1 && j >= 1 && i <= density_.rows() && j <= density_.cols();
    return inside ? density_(i - 1, j - 1) : 0;
  }
  bool above(Index i, Index j) const { return at(i, j) > level_; }

  // The point at which the density crosses the level, by linear interpolation between the two nodes.
  Point crossing(const Edge& e) const {
    const double a = at(e.i, e.j), b = e.upward ? at(e.i, e.j + 1) : at(e.i + 1, e.j);
    const double part = std::clamp((level_ - a) / (b - a), 0.0, 1.0);
    const double x = static_cast<double>(e.i) - 0.5, y = static_cast<double>(e.j) - 0.5;
    return e.upward ? Point{x, y + part} : Point{x + part, y};
  }

 private:
  const Matrix<double>& density_;
  double level_;
};

// The pieces of the contour inside a square of four nodes, each from the edge where it enters to the one where it
// leaves, with the higher density on its right. A saddle is parted by the mean of its corners.
void add_pieces(const Nodes& nodes, double level, Index i, Index j, std::map<Edge, Edge>& next) {
  const Edge bottom{i, j, false}, top{i, j + 1, false}, left{i, j, true}, right{i + 1, j, true};
  const bool sw = nodes.above(i, j), se = nodes.above(i + 1, j), ne = nodes.above(i + 1, j + 1),
             nw = nodes.above(i, j + 1);
  const auto add = [&](const Edge& from, const Edge& to) { next.emplace(from, to); };
  switch (sw + 2 * se + 4 * ne + 8 * nw) {
    case 1:
      return add(left, bottom), void();
    case 2:
      return add(bottom, right), void();
    case 3:
      return add(left, right), void();
    case 4:
      return add(right, top), void();
    case 6:
      return add(bottom, top), void();
    case 7:
      return add(left, top), void();
    case 8:
      return add(top, left), void();
    case 9:
      return add(top, bottom), void();
    case 11:
      return add(top, right), void();
    case 12:
      return add(right, left), void();
    case 13:
      return add(right, bottom), void();
    case 14:
      return add(bottom, left), void();
    case 5:
    case 10:
      break;
    default:
      return;
  }
  const double middle = (nodes.at(i, j) + nodes.at(i + 1, j) + nodes.at(i + 1, j + 1) + nodes.at(i, j + 1)) / 4;
  const bool joined = middle > level;
  if (sw)
    joined ? (add(left, top), add(right, bottom)) : (add(left, bottom), add(right, top));
  else
    joined ? (add(bottom, left), add(top, right)) : (add(bottom, right), add(top, left));
}

}  // namespace

double highest_density_level(const Matrix<double>& density, double mass) {
  std::vector<double> values(density.data(), density.data() + density.size());
  std::erase_if(values, [](double v) { return !(v > 0); });
  std::sort(values.begin(), values.end(), std::greater<>());
  double whole = 0;
  for (const double v : values) whole += v;
  double enclosed = 0;
  for (const double v : values)
    if ((enclosed += v) >= mass * whole) return v;
  return 0;
}

std::vector<std::vector<Point>> contour(const Matrix<double>& density, double level) {
  const Nodes nodes(density, level);
  std::map<Edge, Edge> next;
  for (Index i = 0; i + 1 < nodes.width(); ++i)
    for (Index j = 0; j + 1 < nodes.height(); ++j) add_pieces(nodes, level, i, j, next);
  std::vector<std::vector<Point>> loops;
  while (!next.empty()) {
    std::vector<Point> loop;
    for (auto at = next.begin(); at != next.end();) {
      loop.push_back(nodes.crossing(at->first));
      const Edge to = at->second;
      next.erase(at);
      at = next.find(to);
    }
    loops.push_back(std::move(loop));
  }
  return loops;
}

}  // namespace pathline::plot
