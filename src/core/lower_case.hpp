// Text in lower case, for names that are compared in any case.
#pragma once

#include <cctype>
#include <string>

namespace pathline {

inline std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace pathline
