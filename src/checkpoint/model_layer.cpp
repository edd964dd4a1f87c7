#include "checkpoint/model_layer.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "checkpoint/model_part.hpp"
#include "pathline/transform/coupling_layer.hpp"
#include "pathline/transform/planar.hpp"
#include "pathline/transform/radial.hpp"

namespace pathline::model_file {

template <class S> bool is_layer(const Transform<S>& transform) {
  return dynamic_cast<const CouplingLayer<S>*>(&transform) || dynamic_cast<const Planar<S>*>(&transform) ||
         dynamic_cast<const Radial<S>*>(&transform);
}

template <class S> std::vector<const Transform<S>*> layers_of(const Flow<S>& flow) {
  std::vector<const Transform<S>*> out;
  for (std::size_t i = 0; i < flow.chain.size(); ++i)
    if (is_layer(flow.chain[i])) out.push_back(&flow.chain[i]);
  return out;
}

template <class S> void write_layers(Hdf5Group& out, const Flow<S>& flow) {
  const auto layers = layers_of(flow);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto group = out.create_group("transforms/" + std::to_string(i));
    group.set_attribute("kind", layers[i]->kind());
    write_attributes(group, layers[i]->describe());
  }
}

namespace {

CouplingOptions read_coupling_options(const Hdf5Group& group, CouplingKind kind, Index dim) {
  const auto hidden = group.attribute<std::vector<std::int64_t>>("hidden");
  return {.kind = kind,
          .dim = dim,
          .condition_dim = group.attribute<std::int64_t>("condition_dim"),
          .moved = group.attribute<std::vector<std::int64_t>>("moved"),
          .hidden = std::vector<Index>(hidden.begin(), hidden.end()),
          .activation = parse_activation(group.attribute<std::string>("activation")),
          .residual = group.attribute<bool>("residual"),
          .bins = kind == CouplingKind::spline ? group.attribute<std::int64_t>("bins") : CouplingOptions{}.bins,
          .box = group.attribute<double>("box")};
}

// Reads what a group of `transforms` describes, without its parameters.
template <class S> std::unique_ptr<Transform<S>> read_layer(const std::string& file, const Hdf5Group& group, Index dim,
                                                            Index condition_dim, SizeBudget& budget) {
  const auto kind = group.attribute<std::string>("kind");
  if (kind == "planar") return std::make_unique<Planar<S>>(dim);
  if (kind == "radial") return std::make_unique<Radial<S>>(dim);
  if (kind != "spline_coupling" && kind != "affine_coupling")
    refuse(file, fmt::format("{}: kind '{}': expected spline_coupling, affine_coupling, planar or radial", group.path(),
                             kind));
  const auto options =
      read_coupling_options(group, kind == "spline_coupling" ? CouplingKind::spline : CouplingKind::affine, dim);
  if (options.condition_dim < 0 || options.condition_dim > condition_dim)
    refuse(file, fmt::format("{}: condition_dim = {}: must be in [0, {}]", group.path(), options.condition_dim,
                             condition_dim));
  budget.take_coupling(group.path() + ": moved, hidden, bins", options);
  if (kind == "affine_coupling" && !group.has_attribute("affine_within"))
    refuse(file, group.path() +
                     ": an affine coupling of an earlier pathline, which stayed affine outside of its box; "
                     "train the model again");
  std::unique_ptr<CouplingLayer<S>> layer;
  try {
    layer = std::make_unique<CouplingLayer<S>>(options);
  } catch (const InputError& error) {
    refuse(file, group.path() + ": " + error.what());
  }
  check_attributes(file, group, layer->describe(), "transform");
  return layer;
}

}  // namespace

template <class S> std::vector<std::unique_ptr<Transform<S>>> read_layers(const std::string& file, const Hdf5Group& in,
                                                                          Index dim, Index condition_dim,
                                                                          SizeBudget& budget) {
  std::vector<std::unique_ptr<Transform<S>>> layers;
  for (const auto& group : groups_of(in, "transforms"))
    layers.push_back(read_layer<S>(file, group, dim, condition_dim, budget));
  return layers;
}

#define PATHLINE_INSTANTIATE(S)                                                                                       \
  template bool is_layer(const Transform<S>&);                                                                        \
  template std::vector<const Transform<S>*> layers_of(const Flow<S>&);                                                \
  template void write_layers(Hdf5Group&, const Flow<S>&);                                                             \
  template std::vector<std::unique_ptr<Transform<S>>> read_layers(const std::string&, const Hdf5Group&, Index, Index, \
                                                                  SizeBudget&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline::model_file
