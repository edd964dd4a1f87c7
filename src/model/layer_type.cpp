#include "pathline/model/layer_type.hpp"

#include <algorithm>

#include "pathline/core/error.hpp"

namespace pathline {

const std::vector<std::string>& layer_type_names() {
  static const std::vector<std::string> names{"ignore", "concat", "concat_v2", "squash", "concatsquash", "hyper",
                                              "blend"};
  return names;
}

LayerType parse_layer_type(const std::string& name) {
  const auto& names = layer_type_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<LayerType>(found - names.begin());
  std::string list;
  for (const auto& n : names) list += (list.empty() ? "" : ", ") + n;
  throw InputError("layer '" + name + "': must be one of " + list);
}

std::string to_string(LayerType type) { return layer_type_names()[static_cast<std::size_t>(type)]; }

}  // namespace pathline
