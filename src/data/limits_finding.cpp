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

// As dense before the end of the turn as behind its beginning, and neither empty. A peak near the seam is told by
// narrow parts on both sides of it, in which the density hardly changes.
bool meets(const Sorted& v, const Turn& turn, double slack) {
  for (const double share : {1 / 20.0, 1 / 60.0, 1 / 180.0}) {
    const double part = share * (turn.high - turn.low);
    const auto first = static_cast<double>(count_between(v, turn.low - slack, turn.low + part)),
               last = static_cast<double>(count_between(v, turn.high - part, turn.high + slack));
    const double both = first + last, expected = 2 * share * static_cast<double>(v.size());  // of uniform angles
    const bool enough = share == 1 / 20.0 || (both >= 50 && std::min(first, last) > 0.25 * both);
    if (enough && both > expected / 5 && std::abs(first - last) < 3 * std::sqrt(both)) return true;
  }
  return false;
}

const Turn* found_turn(const Sorted& v, const std::string& name) {
  for (const auto& turn : kTurns) {
    const double slack = 2e-4 * (turn.high - turn.low);  // pi is rounded to 3.142 in many a table
    if (turn.named && lower_case(name).find(turn.named) == std::string::npos) continue;
    if (v.front() < turn.low - slack || v.back() > turn.high + slack) continue;
    if (meets(v, turn, slack)) return &turn;
  }
  return nullptr;
}

// The number of fewest decimals in [low, high].
double roundest(double low, double high) {
  for (int digits = -12; digits < 15; ++digits) {
    const double unit = std::pow(10.0, -digits), x = std::ceil(low / unit) * unit;
    // The double nearest to the decimal number, which the product misses by a rounding error; no -0.
    const double nearest = std::isfinite(x) ? std::stod(fmt::format("{:.{}f}", x, std::max(digits, 0))) + 0.0 : x;
    if (x <= high && nearest <= high) return nearest;
  }
  return high;
}

// The bound just below the smallest value, if the column is as dense there as a little farther inside. A column that
// thins out toward its end, as a Gaussian does, has no such edge. Two cells hold no more than a twenty-fifth of the rows,
// so that a cluster that is far from the rest is looked at in its own width.
std::optional<double> found_edge(const Sorted& v) {
  const std::size_t n = v.size();
  const double width = v[n - 1 - n / 100] - v[n / 100], low = v.front();
  const double cell = std::min(width / 50, (v[std::max<std::size_t>(24, n / 25)] - low) / 2);
  const auto here = static_cast<double>(count_between(v, low, low + cell)),
             beside = static_cast<double>(count_between(v, low + cell, low + 2 * cell));
  if (!(width > 0) || here < 10 || here < 0.01 * static_cast<double>(n) || here < 0.6 * beside) return std::nullopt;
  return roundest(low - 5 * cell / here, low);
}

std::string edges_text(const std::string& name, std::optional<double> low, std::optional<double> high) {
  if (!low && !high) return "";
  const std::string below = low ? fmt::format("{}", *low) : "", above = high ? fmt::format("{}", *high) : "";
  return fmt::format(
      "column {} ends abruptly at {}{}{}: if there can be no value beyond, pass TableOptions.bounds = '{}={}:{}'; "
      "without it the density leaks over the edge",
      name, below, low && high ? " and " : "", above, name, below, above);
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
  auto high = found_edge(v);
  if (high) high = 0.0 - *high;
  return edges_text(name, low, high);
}

std::string count_finding(const RowVector<double>& x, const std::string& name) {
  if (x.size() < 100) return "";
  const auto end = [&](double value) {
    const double here = static_cast<double>((x.array() == value).count());
    return here >= 10 && here >= 0.01 * static_cast<double>(x.size()) ? std::optional(value) : std::nullopt;
  };
  return edges_text(name, end(x.minCoeff() + 0.0), end(x.maxCoeff() + 0.0));
}

}  // namespace pathline
