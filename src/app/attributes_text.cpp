#include "app/attributes_text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace pathline {

std::string numbers(const Vector<double>& v) {
  std::string out;
  for (Index i = 0; i < std::min<Index>(v.size(), 8); ++i) out += fmt::format("{}{:.6g}", i ? ", " : "", v[i]);
  return out + (v.size() > 8 ? ", ..." : "");
}

std::string text_of(const Attributes& attributes) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : attributes)
    parts.push_back(name + " " +
                    std::visit(
                        [](const auto& v) {
                          using T = std::decay_t<decltype(v)>;
                          if constexpr (std::is_same_v<T, Vector<double>>)
                            return numbers(v);
                          else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
                            return v.empty() ? std::string("none") : fmt::format("{}", fmt::join(v, "-"));
                          else if constexpr (std::is_same_v<T, double>)
                            return fmt::format("{:.6g}", v);
                          else
                            return fmt::format("{}", v);
                        },
                        value));
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace pathline
