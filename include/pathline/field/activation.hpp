/// \file
/// Activation functions s with s' and s'', by name.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// tanh; softplus log(1 + e^x); elu (x or e^x - 1); swish x sigmoid(beta x), beta trained, one for a network (FFJORD
/// shares it); relu; square; identity; sin; gelu x Phi(x) (Hendrycks & Gimpel 2016, exact). relu has s'' = 0 and elu a
/// step in s'' at 0: the divergence is then not smooth in z.
enum class Activation { tanh, softplus, elu, swish, relu, square, identity, sin, gelu };

[[nodiscard]] Activation parse_activation(const std::string& name);  ///< InputError with the names there are
[[nodiscard]] std::string to_string(Activation activation);
[[nodiscard]] const std::vector<std::string>& activation_names();
[[nodiscard]] inline bool has_parameter(Activation activation) { return activation == Activation::swish; }

}  // namespace pathline
