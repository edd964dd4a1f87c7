#include "app/ticks.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace pathline::plot {
namespace {

constexpr double kLargest = 1e300;     // so that ranges can be padded and subtracted
constexpr double kLeastLength = 1e-9;  // of a range, relative to its ends, so that labels stay short

// mantissa * 10^exponent, by one product or division, which is correctly rounded.
double decimal(double mantissa, int exponent) {
  return exponent < 0 ? mantissa / std::pow(10.0, -exponent) : mantissa * std::pow(10.0, exponent);
}

std::string superscript(int exponent) {
  static constexpr std::array<const char*, 10> kDigits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = exponent < 0 ? "⁻" : "";
  for (const char digit : std::to_string(std::abs(exponent))) text += kDigits[static_cast<std::size_t>(digit - '0')];
  return text;
}

std::string with_minus_sign(std::string text) { return !text.empty() && text[0] == '-' ? "−" + text.substr(1) : text; }

// The label of count * 10^exponent, where the largest tick is about 10^magnitude.
std::string label(double count, int exponent, int magnitude) {
  if (count == 0) return "0";
  if (magnitude < 5 && exponent > -5) {
    const int decimals = std::max(0, -exponent);
    return with_minus_sign(fmt::format("{:.{}f}", decimal(count, exponent), decimals));
  }
  const int decimals = std::max(0, magnitude - exponent);
  return with_minus_sign(fmt::format("{:.{}f}", decimal(count, exponent - magnitude), decimals)) + "×10" +
         superscript(magnitude);
}

struct Step {
  double mantissa;  // 1 to 5
  int exponent;
};

// The multiples of the step inside the range, from first to last, as numbers of steps.
struct Multiples {
  double first, last;
  double count() const { return last - first + 1; }
};

Multiples multiples(const Range& range, const Step& step) {
  const double length = decimal(step.mantissa, step.exponent);
  const double slack = 1e-9;  // in steps, so that a limit of 0.3 includes the tick 3 * 0.1
  return {std::ceil(range.low / length - slack), std::floor(range.high / length + slack)};
}

Step finest_step(const Range& range, int most, const std::vector<double>& mantissas) {
  const int start = static_cast<int>(std::floor(std::log10((range.high - range.low) / (most + 1)))) - 1;
  for (int exponent = std::max(start, -300);; ++exponent)
    for (const double mantissa : mantissas)
      if (multiples(range, {mantissa, exponent}).count() <= most) return {mantissa, exponent};
}

// From a step of 2 to one of 5 the number of ticks may fall from four to one: then those between are tried, too.
Step finest_step(const Range& range, int most) {
  const Step step = finest_step(range, most, {1, 2, 5});
  return most < 2 || multiples(range, step).count() >= 2 ? step : finest_step(range, most, {1, 2, 3, 4, 5});
}

std::vector<Tick> linear_ticks(const Range& range, int most) {
  const Step step = finest_step(range, most);
  const auto [first, last] = multiples(range, step);
  const double largest = std::max(std::abs(first), std::abs(last)) * decimal(step.mantissa, step.exponent);
  const int magnitude = largest > 0 ? static_cast<int>(std::floor(std::log10(largest) + 1e-9)) : 0;
  std::vector<Tick> ticks;
  for (int k = 0; k <= last - first; ++k) {  // counts from 0, because first + 1 may equal first
    const double i = first + k;
    const double value = decimal(i * step.mantissa, step.exponent);
    ticks.push_back({std::clamp(value, range.low, range.high), label(i * step.mantissa, step.exponent, magnitude)});
  }
  return ticks;
}

bool inside(double value, const Range& range) { return value >= range.low && value <= range.high; }

// The ticks of one decade at the given mantissas. They have labels if `every` divides the exponent.
std::vector<Tick> decade_ticks(const Range& range, const std::vector<double>& mantissas, int every) {
  std::vector<Tick> ticks;
  const int last = static_cast<int>(std::floor(std::log10(range.high) + 1e-9));
  for (int e = static_cast<int>(std::floor(std::log10(range.low) - 1e-9)); e <= last; ++e)
    for (const double m : mantissas) {
      const double value = decimal(m, e);
      if (!inside(value, range)) continue;
      const bool labelled = m == 1 && e % every == 0;
      if (labelled || every == 1) ticks.push_back({value, labelled ? "10" + superscript(e) : ""});
    }
  return ticks;
}

std::ptrdiff_t labelled(const std::vector<Tick>& ticks) {
  return std::count_if(ticks.begin(), ticks.end(), [](const Tick& tick) { return !tick.label.empty(); });
}

std::vector<Tick> log_ticks(const Range& range, int most) {
  for (const int every : {1, 2, 5, 10, 20, 50, 100, 200, 500}) {
    const auto mantissas = every == 1 ? std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9} : std::vector<double>{1};
    const auto ticks = decade_ticks(range, mantissas, every);
    const auto count = labelled(ticks);
    if (every == 1 && count < 2) break;
    if (count <= most) return ticks;
  }
  return linear_ticks(range, most);  // the range contains less than two powers of ten
}

}  // namespace

std::vector<Tick> make_ticks(const Range& range, Scale scale, int most) {
  if (!(range.low < range.high && std::isfinite(range.high - range.low))) return {};
  return scale == Scale::log ? log_ticks(range, most) : linear_ticks(range, most);
}

ShortTicks short_ticks(const Range& range, Scale scale, int most) {
  ShortTicks out{make_ticks(range, scale, most), ""};
  const auto is_long = [](const Tick& tick) { return tick.label.size() > 7; };
  if (scale == Scale::log || std::none_of(out.ticks.begin(), out.ticks.end(), is_long)) return out;
  const double length = range.high - range.low, size = std::max(std::abs(range.low), std::abs(range.high));
  // A range far from zero is counted from a round number below it.
  const double round = std::pow(10, std::ceil(std::log10(length)));
  const double offset = length < 1e-2 * size ? std::floor(range.low / round) * round : 0;
  Range rest{range.low - offset, range.high - offset};
  const double largest = std::max(std::abs(rest.low), std::abs(rest.high));
  const int exponent = largest >= 1e4 || largest < 1e-2 ? static_cast<int>(std::floor(std::log10(largest))) : 0;
  const double unit = std::pow(10, exponent);
  rest.low /= unit, rest.high /= unit;
  out.ticks = make_ticks(rest, scale, most);
  for (auto& tick : out.ticks) tick.value = std::clamp(offset + tick.value * unit, range.low, range.high);
  if (exponent != 0) out.unit = "×10" + superscript(exponent);
  if (offset != 0)
    out.unit += fmt::format("{}{}{:.15g}", exponent != 0 ? " " : "", offset < 0 ? "−" : "+", std::abs(offset));
  return out;
}

Range range_of(const std::vector<double>& values, Scale scale, double padding) {
  const bool log = scale == Scale::log;
  double low = kLargest, high = -kLargest;
  for (const double value : values) {
    if (!(std::abs(value) < kLargest) || (log && value < 1 / kLargest)) continue;
    low = std::min(low, log ? std::log10(value) : value);
    high = std::max(high, log ? std::log10(value) : value);
  }
  if (low > high) low = high = 0;
  const double middle = low / 2 + high / 2;
  const double size = std::max(std::abs(low), std::abs(high));
  double half = (0.5 + padding) * (high - low);
  if (high == low || !(high - low > kLeastLength * size)) half = log || size == 0 ? 0.5 : 0.1 * size;
  const Range range{middle - half, middle + half};
  return log ? Range{std::pow(10, range.low), std::pow(10, range.high)} : range;
}

}  // namespace pathline::plot
