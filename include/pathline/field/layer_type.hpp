/// \file
/// How a layer depends on time, by FFJORD's names (lib/layers/diffeq_layers/basic.py).
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// With u(t) = the time features of MlpOptions (t alone, by default), sigma the logistic function:
///   ignore        W x + b
///   concat        W [u; x] + b            the time first, as in FFJORD
///   concat_v2     W x + b + H u
///   squash        (W x + b) * sigma(U u + v)
///   concatsquash  (W x + b) * sigma(U u + v) + H u
///   hyper         W(u) x + b(u), both from a network 1 -> 8 tanh -> out * (in + 1)
///   blend         (1 - t) (W0 x + b0) + t (W1 x + b1)
/// A condition c adds C c beside W x.
enum class LayerType { ignore, concat, concat_v2, squash, concatsquash, hyper, blend };

/// The limit of MlpOptions::time_features.
inline constexpr Index kMostTimeFeatures = 64;

[[nodiscard]] LayerType parse_layer_type(const std::string& name);  ///< InputError with the names there are
[[nodiscard]] std::string to_string(LayerType type);
[[nodiscard]] const std::vector<std::string>& layer_type_names();

}  // namespace pathline
