#include "pathline/model/activation.hpp"

#include <algorithm>

#include "pathline/core/error.hpp"

namespace pathline {

const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> names{"tanh",   "softplus", "elu", "swish", "relu",
                                              "square", "identity", "sin", "gelu"};
  return names;
}

Activation parse_activation(const std::string& name) {
  const auto& names = activation_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<Activation>(found - names.begin());
  std::string list;
  for (const auto& n : names) list += (list.empty() ? "" : ", ") + n;
  throw InputError("activation '" + name + "': must be one of " + list);
}

std::string to_string(Activation activation) { return activation_names()[static_cast<std::size_t>(activation)]; }

}  // namespace pathline
