#include "pathline/core/column_bounds.hpp"

#include <charconv>
#include <cmath>
#include <numbers>
#include <string_view>

#include <fmt/format.h>

#include "core/name_list.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

template <class T> std::optional<T> parse(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional<T>(value) : std::nullopt;
}

// "60", "-1e3", "pi", "-2pi", "2*pi", "pi/2".
std::optional<double> parse_number(std::string_view text) {
  const auto pi = text.find("pi");
  if (pi == text.npos) return parse<double>(text);
  std::string_view factor = text.substr(0, pi), divisor = text.substr(pi + 2);
  if (factor.ends_with('*')) factor.remove_suffix(1);
  const bool bare = factor.empty() || factor == "+" || factor == "-";
  const auto multiple = bare ? (factor == "-" ? -1.0 : 1.0) : parse<double>(factor);
  const auto part = divisor.empty() ? 1.0 : divisor[0] == '/' ? parse<double>(divisor.substr(1)) : std::nullopt;
  return multiple && part ? std::optional<double>(*multiple * std::numbers::pi / *part) : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// "NAME=FIRST:SECOND" or "NAME=FIRST"; an empty end is nullopt.
struct Assignment {
  std::string column;
  std::optional<double> first, second;
  bool range = false, good = false;
};

Assignment parse_assignment(std::string_view text) {
  const auto equals = text.rfind('=');
  if (equals == text.npos) return {};
  const auto colon = text.find(':', equals);
  Assignment out{.column = std::string(trimmed(text.substr(0, equals))), .range = colon != text.npos};
  out.good = !out.column.empty();
  const auto read = [&](std::string_view number, std::optional<double>& to) {
    if (trimmed(number).empty()) return;
    to = parse_number(trimmed(number));
    out.good = out.good && to && !std::isnan(*to);
  };
  read(text.substr(equals + 1, out.range ? colon - equals - 1 : text.npos), out.first);
  if (out.range) read(text.substr(colon + 1), out.second);
  return out;
}

ColumnBounds parse_one_bounds(const std::string& text) {
  const auto a = parse_assignment(text);
  if (!a.good || !a.range || (!a.first && !a.second))
    throw InputError(
        fmt::format("bounds: '{}': expected NAME=LOW:HIGH, NAME=LOW: or NAME=:HIGH, as in mass=60: or "
                    "cos_theta=-1:1",
                    text));
  ColumnBounds out{.column = a.column};
  if (a.first) out.low = *a.first;
  if (a.second) out.high = *a.second;
  if (!(out.low < out.high)) throw InputError(fmt::format("bounds: '{}': must have LOW < HIGH", text));
  return out;
}

ColumnPeriod parse_one_period(const std::string& text) {
  const auto a = parse_assignment(text);
  if (!a.good || !a.first || a.range != a.second.has_value())
    throw InputError(
        fmt::format("period: '{}': expected NAME=LENGTH or NAME=START:END, as in phi=2pi or phi=-180:180", text));
  ColumnPeriod out{.column = a.column, .length = a.range ? *a.second - *a.first : *a.first};
  if (a.range) out.start = a.first;
  if (!(out.length > 0 && std::isfinite(out.length)))
    throw InputError(fmt::format("period: '{}': must be a finite length > 0", text));
  return out;
}

// Each text with the rule of one; key: for errors.
template <class Rule> auto parse_each(const char* key, const std::vector<std::string>& texts, Rule rule) {
  std::vector<decltype(rule(""))> out;
  for (const auto& text : texts) {
    const auto one = rule(text);
    for (const auto& other : out)
      if (other.column == one.column) throw InputError(fmt::format("{}: '{}' is named twice", key, one.column));
    out.push_back(one);
  }
  return out;
}

}  // namespace

std::vector<ColumnBounds> parse_bounds(const std::vector<std::string>& texts) {
  return parse_each("bounds", texts, parse_one_bounds);
}

std::vector<ColumnPeriod> parse_periods(const std::vector<std::string>& texts) {
  return parse_each("period", texts, parse_one_period);
}

Index find_column(const std::string& column, const std::vector<std::string>& names, Index dim) {
  if (contains(names, column)) return place_of(names, column);
  if (names.empty())
    for (Index i = 0; i < dim; ++i)
      if (column == fmt::format("x{}", i + 1)) return i;
  const auto number = parse<Index>(column);
  return number && *number >= 1 && *number <= dim ? *number - 1 : -1;
}

}  // namespace pathline
