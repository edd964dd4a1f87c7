#include "pathline/data/toy.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <memory>

#include "data/toys.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "pathline/core/parallel.hpp"

namespace pathline {
namespace {

constexpr Index kBlock = 128;  // points per task of parallel_for; points do not depend on each other

const std::vector<std::unique_ptr<Toy>>& toys() {
  static const std::vector<std::unique_ptr<Toy>> all = [] {
    std::vector<std::unique_ptr<Toy>> list;
    for (auto* make : {make_swissroll, make_circles, make_rings, make_moons, make_8gaussians, make_pinwheel,
                       make_2spirals, make_checkerboard})
      list.push_back(make());
    return list;
  }();
  return all;
}

const Toy* lookup(const std::string& name) {
  for (const auto& toy : toys())
    if (toy->name() == name) return toy.get();
  return nullptr;
}

}  // namespace

Matrix<double> Toy::bounds() const {
  Matrix<double> box(2, 2);
  box.col(0).setConstant(-4);
  box.col(1).setConstant(4);
  return box;
}

void Toy::sample(Engine& engine, MatrixRef<double> out) const {
  assert(out.rows() == dim());
  for (Index i = 0; i < out.cols(); ++i) out.col(i) = draw(engine);
}

RowVector<double> Toy::log_density(ConstMatrixRef<double> x, int threads) const {
  assert(x.rows() == dim());
  RowVector<double> out(x.cols());
  parallel_for((x.cols() + kBlock - 1) / kBlock, threads, [&](Index block, int) {
    for (Index i = block * kBlock; i < std::min(x.cols(), (block + 1) * kBlock); ++i) {
      const Point point = x.col(i);
      if (point.hasNaN())
        out(i) = std::numeric_limits<double>::quiet_NaN();
      else
        out(i) = point.allFinite() ? log_density_at(point) : -std::numeric_limits<double>::infinity();
    }
  });
  return out;
}

const Toy& find_toy(const std::string& name) {
  if (const Toy* toy = lookup(name)) return *toy;
  const auto& names = toy_names();
  std::string list;
  for (const auto& known : names) list += (list.empty() ? "" : ", ") + known;
  throw InputError("toy = \"" + name + "\": unknown toy; did you mean \"" + nearest(name, names) +
                   "\"? Known: " + list);
}

const std::vector<std::string>& toy_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const auto& toy : toys()) list.push_back(toy->name());
    return list;
  }();
  return names;
}

bool is_toy(const std::string& name) { return lookup(name) != nullptr; }

}  // namespace pathline
