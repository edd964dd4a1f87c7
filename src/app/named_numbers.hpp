// Numbers and column names in the text of an option.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pathline {

// "0.5,1.2" in the order of the names, or "mass=91.2" of some of them. InputError that begins with the option for
// another number of values, an unknown name (with the nearest) and for what is no number.
std::vector<std::optional<double>> named_numbers(const std::string& option, const std::string& text,
                                                 const std::vector<std::string>& names);

// "0,0.5,1": numbers with commas between. InputError that begins with the option.
std::vector<double> numbers_of(const std::string& option, const std::string& text);

// The indices of `wanted` among the names. InputError that begins with the option for an unknown name (with the nearest)
// and for one that is given twice.
std::vector<std::size_t> places_of(const std::string& option, const std::vector<std::string>& wanted,
                                   const std::vector<std::string>& names);

}  // namespace pathline
