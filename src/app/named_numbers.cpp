#include "app/named_numbers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "core/comma_list.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"

namespace pathline {
namespace {

double number_of(const std::string& option, const std::string& item) {
  double value = 0;
  const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), value);
  if (error != std::errc() || end != item.data() + item.size() || !std::isfinite(value))
    throw InputError(fmt::format("{}: '{}' is not a finite number", option, item));
  return value;
}

std::size_t one_place(const std::string& option, const std::string& name, const std::vector<std::string>& names) {
  if (names.empty()) throw InputError(fmt::format("{}: the columns have no names", option));
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end())
    throw InputError(
        fmt::format("{}: no column '{}'{} ({})", option, name, did_you_mean(name, names), fmt::join(names, ", ")));
  return static_cast<std::size_t>(at - names.begin());
}

}  // namespace

std::vector<std::optional<double>> named_numbers(const std::string& option, const std::string& text,
                                                 const std::vector<std::string>& names) {
  const auto items = split_commas(text);
  std::vector<std::optional<double>> out(names.size());
  if (text.find('=') == std::string::npos) {
    if (items.size() != names.size())
      throw InputError(fmt::format("{} has {} value{}; expected one for each of {}", option, items.size(),
                                   items.size() == 1 ? "" : "s", fmt::join(names, ", ")));
    for (std::size_t i = 0; i < items.size(); ++i) out[i] = number_of(option, items[i]);
    return out;
  }
  for (const auto& item : items) {
    const auto equals = item.rfind('=');
    if (equals == std::string::npos)
      throw InputError(fmt::format("{}: '{}': expected NAME=NUMBER for each, or numbers alone", option, item));
    auto& value = out[one_place(option, item.substr(0, equals), names)];
    if (value) throw InputError(fmt::format("{}: '{}' is given twice", option, item.substr(0, equals)));
    value = number_of(option, item.substr(equals + 1));
  }
  return out;
}

std::vector<double> numbers_of(const std::string& option, const std::string& text) {
  std::vector<double> out;
  for (const auto& item : split_commas(text)) out.push_back(number_of(option, item));
  return out;
}

std::vector<std::size_t> places_of(const std::string& option, const std::vector<std::string>& wanted,
                                   const std::vector<std::string>& names) {
  std::vector<std::size_t> out;
  for (const auto& name : wanted) {
    out.push_back(one_place(option, name, names));
    if (std::count(out.begin(), out.end(), out.back()) > 1)
      throw InputError(fmt::format("{}: column '{}' is given twice", option, name));
  }
  return out;
}

}  // namespace pathline
