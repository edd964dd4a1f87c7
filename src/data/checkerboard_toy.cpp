// checkerboard: uniform on the eight dark squares of side 2 in [-4, 4]^2.
#include <cmath>
#include <limits>

#include "data/toys.hpp"

namespace pathline {
namespace {

// 1 in the columns whose squares are shifted up by one: floor(u) mod 2 with the sign of Python's mod.
double shift(double u) { return std::fmod(std::floor(u) + 4, 2); }

class CheckerboardToy final : public Toy {
 public:
  CheckerboardToy()
      : Toy({.name = "checkerboard",
             .description = "u ~ U(-2, 2), v = U(0, 1) - 2 {0, 1} + floor(u) mod 2; (u, v) x 2",
             .entropy = 3.46573590}) {}

 private:
  Point draw(Engine& engine) const override {
    const double u = uniform(engine, -2, 2), fraction = uniform(engine);
    const double v = fraction - 2.0 * static_cast<double>(uniform_index(engine, 2)) + shift(u);
    return 2 * Point(u, v);
  }

  double log_density_at(const Point& x) const override {
    const double u = x(0) / 2;
    if (u < -2 || u >= 2) return -std::numeric_limits<double>::infinity();
    const double v = x(1) / 2 - shift(u);
    const bool inside = (v >= 0 && v < 1) || (v >= -2 && v < -1);
    return inside ? -std::log(32.0) : -std::numeric_limits<double>::infinity();
  }
};

}  // namespace

std::unique_ptr<Toy> make_checkerboard() { return std::make_unique<CheckerboardToy>(); }

}  // namespace pathline
