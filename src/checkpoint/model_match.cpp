#include "checkpoint/model_match.hpp"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "checkpoint/model_block.hpp"
#include "checkpoint/model_digest.hpp"
#include "checkpoint/model_ensemble.hpp"
#include "checkpoint/model_flow.hpp"
#include "checkpoint/model_layer.hpp"
#include "checkpoint/model_part.hpp"
#include "checkpoint/size_budget.hpp"

namespace pathline::model_file {

namespace {

void refuse_other(const std::string& file, const std::string& what, const std::string& found, const std::string& has) {
  if (found != has) refuse(file, fmt::format("{}: {}; the flow has {}", what, found, has));
}

// The number of data sets in a group and in the groups within it.
std::size_t arrays_in(const Hdf5Group& group) {
  std::size_t count = 0;
  for (const auto& name : group.children()) {
    const std::string path = group.path() + "/" + name;
    count += group.is_group(path) ? arrays_in(group.group(path)) : 1;
  }
  return count;
}

void refuse_other(const std::string& file, const std::string& what, std::size_t found, std::size_t has) {
  refuse_other(file, what, std::to_string(found), std::to_string(has));
}

}  // namespace

template <class S>
Flow<S> filled(const std::string& file, const Hdf5File& in, const ModelCard& card, const Flow<S>& flow) {
  if (is_ensemble(in) || flow.members()) refuse(file, "an ensemble has no single flow to read into; use read_model");
  const auto [dim, condition_dim] = read_dims(file, in);
  refuse_other(file, "columns", std::to_string(dim), std::to_string(flow.dim()));
  refuse_other(file, "conditions", std::to_string(condition_dim), std::to_string(flow.condition_dim()));
  std::vector<std::string> transforms;
  if (in.has_attribute("transforms")) transforms = in.attribute<std::vector<std::string>>("transforms");
  refuse_other(file, "transforms", fmt::format("[{}]", fmt::join(transforms, ", ")),
               fmt::format("[{}]", fmt::join(transforms_of(flow), ", ")));
  Flow<S> out = flow;
  const auto block_groups = groups_of(in, "blocks"), norm_groups = groups_of(in, "norms");
  const auto blocks = out.blocks();
  const auto norms = out.norms();
  refuse_other(file, "blocks", block_groups.size(), blocks.size());
  refuse_other(file, "norms", norm_groups.size(), norms.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    check_field(file, block_groups[i], *blocks[i]->field);
    read_times(file, block_groups[i], *blocks[i]);
    refuse_other(file, block_groups[i].path() + ": clock", to_string(blocks[i]->clock),
                 to_string(flow.blocks()[i]->clock));
    refuse_other(file, block_groups[i].path() + ": train_end_time", blocks[i]->train_end_time,
                 flow.blocks()[i]->train_end_time);
  }
  for (std::size_t i = 0; i < norms.size(); ++i) read_norm(file, norm_groups[i], *norms[i]);
  const auto layer_groups = groups_of(in, "transforms");
  const auto layers = layers_of(flow);
  refuse_other(file, "layers", layer_groups.size(), layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    refuse_other(file, layer_groups[i].path() + ": kind", layer_groups[i].template attribute<std::string>("kind"),
                 layers[i]->kind());
    check_attributes(file, layer_groups[i], layers[i]->describe(), "transform");
  }
  SizeBudget budget(file, in);
  check_digest(file, in, card, out, read_rest(file, in, out, budget));
  refuse_other(file, "base", fmt::format("{} of {} components", to_string(out.base->kind()), out.base->components()),
               fmt::format("{} of {} components", to_string(flow.base->kind()), flow.base->components()));
  refuse_other(file, "arrays of parameters", arrays_in(in.group("parameters")), flow.parameters().size());
  return out;
}

#define PATHLINE_INSTANTIATE(S) \
  template Flow<S> filled(const std::string&, const Hdf5File&, const ModelCard&, const Flow<S>&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline::model_file
