#include "data/limits_finding.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "core/lower_case.hpp"

namespace pathline {
namespace {

using std::numbers::pi;

using Sorted = std::vector<double>;

Index count_between(const Sorted& v, double low, double high) {
  return std::upper_bound(v.begin(), v.end(), high) - std::lower_bound(v.begin(), v.end(), low);
}

// One turn as people write it. named: only of a column whose name says what it is, because many columns lie in [0, 1].
struct Turn {
  double low, high;
  const char* text;
  const char* named;
};
constexpr Turn kTurns[] = {{0, 2 * pi, "0:2pi", nullptr},   {-pi, pi, "-pi:pi", nullptr}, {0, 360, "0:360", nullptr},
                           {-180, 180, "-180:180", nullptr}, {0, 24, "0:24", "hour"},        {0, 1, "0:1", "phase"}};

// As dense before the end of the turn as behind its beginning, and neither empty.
const Turn* found_turn(const Sorted& v, const std::string& name) {
  for (const auto& turn : kTurns) {
    const double length = turn.high - turn.low, slack = 1e-6 * length, part = length / 20;
    if (turn.named && lower_case(name).find(turn.named) == std::string::npos) continue;
    if (v.front() < turn.low - slack || v.back() > turn.high + slack) continue;
    const auto first = static_cast<double>(count_between(v, turn.low - slack, turn.low + part)),
               last = static_cast<double>(count_between(v, turn.high - part, turn.high + slack));
    const double both = first + last, expected = static_cast<double>(v.size()) / 10;  // of uniform angles
    if (both > expected / 5 && std::abs(first - last) < 3 * std::sqrt(both)) return &turn;
  }
  return nullptr;
}

// The number of fewest decimals in [low, high].
double roundest(double low, double high) {
  for (int digits = -12; digits < 15; ++digits) {
    const double unit = std::pow(10.0, -digits), x = std::ceil(low / unit) * unit + 0.0;  // no -0
    if (x <= high) return x;
  }
  return high;
}

// The bound just below the smallest value, if the column is as dense there as a little farther inside. A column that
// thins out toward its end, as a Gaussian does, has no such edge.
std::optional<double> found_edge(const Sorted& v) {
  const std::size_t n = v.size();
  const double width = v[n - 1 - n / 100] - v[n / 100], cell = width / 50, low = v.front();
  const auto here = static_cast<double>(count_between(v, low, low + cell)),
             beside = static_cast<double>(count_between(v, low + cell, low + 2 * cell));
  if (!(width > 0) || here < 10 || here < 0.01 * static_cast<double>(n) || here < 0.6 * beside) return std::nullopt;
  return roundest(low - 5 * cell / here, low);
}

}  // namespace

std::string limits_finding(const RowVector<double>& x, const std::string& name) {
  if (x.size() < 100) return "";
  Sorted v(x.begin(), x.end());
  std::sort(v.begin(), v.end());
  if (const auto* turn = found_turn(v, name))
    return fmt::format(
        "column {} fills {} with the same density at both ends: if it is an angle, or repeats otherwise, "
        "pass SourceOptions.period = '{}={}'",
        name, turn->text, name, turn->text);
  const auto low = found_edge(v);
  std::reverse(v.begin(), v.end());
  for (double& value : v) value = -value;
  const auto high = found_edge(v);
  if (!low && !high) return "";
  const std::string below = low ? fmt::format("{}", *low) : "", above = high ? fmt::format("{}", 0.0 - *high) : "";
  return fmt::format(
      "column {} ends abruptly at {}{}{}: if there can be no value beyond, pass TableOptions.bounds = '{}={}:{}'; "
      "without it the density leaks over the edge",
      name, below, low && high ? " and " : "", above, name, below, above);
}

}  // namespace pathline
