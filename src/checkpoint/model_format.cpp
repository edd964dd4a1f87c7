#include "checkpoint/model_format.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "checkpoint/model_layer.hpp"
#include "checkpoint/model_part.hpp"
#include "pathline/core/version.hpp"
#include "pathline/transform/marginals.hpp"

namespace pathline::model_file {

namespace {

// 1: another digest, norms' weights (d, 1), no evaluation; 2: no bounds, periods or linear map; 3: no transforms;
// 4: no ensembles, and affine couplings without an end, which are not read any more
constexpr std::int64_t kFormat = 5;

}  // namespace

template <class S> std::int64_t format_of(const Flow<S>& flow) {
  const auto layers = layers_of(flow);
  const auto is_affine = [](const Transform<S>* layer) { return layer->kind() == "affine_coupling"; };
  if (flow.members() || std::any_of(layers.begin(), layers.end(), is_affine)) return 5;
  if (!layers.empty()) return 4;
  const bool has_marginals = !flow.data_side.template all<Marginals>().empty();
  return flow.bounds() || flow.linear() || has_marginals ? 3 : 2;
}

void check_format(const std::string& file, const Hdf5File& in) {
  if (!in.has_attribute("format") || in.attribute<std::string>("format") != "pathline")
    refuse(file, "not a model; expected a file of `pathline train` or of tools/ffjord_to_hdf5.py");
  const auto format = in.attribute<std::int64_t>("format_version");
  if (format < 1 || format > kFormat)
    refuse(file,
           fmt::format("model format {}: this pathline ({}) reads formats 1 to {}", format, PATHLINE_VERSION, kFormat));
}

#define PATHLINE_INSTANTIATE(S) template std::int64_t format_of(const Flow<S>&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline::model_file
