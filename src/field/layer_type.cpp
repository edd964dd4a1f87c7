#include "pathline/field/layer_type.hpp"

#include "core/named_value.hpp"

namespace pathline {

const std::vector<std::string>& layer_type_names() {
  static const std::vector<std::string> names{"ignore",       "concat", "concat_v2", "squash",
                                              "concatsquash", "hyper",  "blend"};
  return names;
}

LayerType parse_layer_type(const std::string& name) {
  return parse_named<LayerType>("layer", name, layer_type_names());
}

std::string to_string(LayerType type) { return layer_type_names()[static_cast<std::size_t>(type)]; }

}  // namespace pathline
