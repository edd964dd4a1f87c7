#include "pathline/field/activation.hpp"

#include "core/named_value.hpp"

namespace pathline {

const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> names{"tanh",   "softplus", "elu", "swish", "relu",
                                              "square", "identity", "sin", "gelu"};
  return names;
}

Activation parse_activation(const std::string& name) {
  return parse_named<Activation>("activation", name, activation_names());
}

std::string to_string(Activation activation) { return activation_names()[static_cast<std::size_t>(activation)]; }

}  // namespace pathline
