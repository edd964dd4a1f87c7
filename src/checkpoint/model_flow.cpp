#include "checkpoint/model_flow.hpp"

#include <fmt/format.h>

#include "checkpoint/model_base.hpp"
#include "checkpoint/model_block.hpp"
#include "checkpoint/model_layer.hpp"
#include "checkpoint/model_parameters.hpp"
#include "checkpoint/model_part.hpp"
#include "checkpoint/model_units.hpp"

namespace pathline::model_file {

template <class S> void write_flow(Hdf5Group& out, const Flow<S>& flow) {
  write_scales(out, flow);
  write_blocks(out, flow);
  write_layers(out, flow);
  write_marginals(out, flow.data_side);
  write_base(out, flow);
  write_limits(out, flow);
  if (const auto transforms = transforms_of(flow); !transforms.empty()) out.set_attribute("transforms", transforms);
  write_parameters(out, flow);
}

std::pair<Index, Index> read_dims(const std::string& file, const Hdf5File& in) {
  const Index dim = in.attribute<std::int64_t>("dim"), condition_dim = in.attribute<std::int64_t>("condition_dim");
  constexpr Index kMost = Index{1} << 32;  // so that their sum does not overflow
  if (dim < 1 || condition_dim < 0) refuse(file, "dim and condition_dim: must be >= 1 and >= 0");
  if (dim > kMost || condition_dim > kMost) refuse(file, "dim and condition_dim: must be <= 2^32");
  return {dim, condition_dim};
}

template <class S>
ReadFlow<S> read_one(const std::string& file, const Hdf5Group& in, Index dim, Index condition_dim, SizeBudget& budget) {
  if (in.has_attribute("transforms"))
    refuse(
        file,
        "the flow has user-defined transforms, which a file does not contain; make the flow in C++ and read the file "
        "with read_parameters_into");
  auto blocks = read_blocks<S>(file, in, dim, condition_dim, budget);
  auto layers = read_layers<S>(file, in, dim, condition_dim, budget);
  if (blocks.empty() && layers.empty()) refuse(file, "the file contains no blocks and no transforms");
  auto norms = read_norms<S>(file, in, dim);
  if (!norms.empty() && norms.size() != blocks.size() + 1)
    refuse(file, fmt::format("norms: {}, expected {}", norms.size(), blocks.size() + 1));
  Chain<S> chain;
  if (!blocks.empty()) chain = Flow<S>(std::move(blocks), std::move(norms)).chain;
  for (auto& layer : layers) chain.add(std::move(layer));
  ReadFlow<S> out{Flow<S>(std::move(chain)), {}};
  if (out.flow.condition_dim() != condition_dim)
    refuse(file, fmt::format("condition_dim = {}: no transform has a condition of this dimension", condition_dim));
  out.theta = read_rest(file, in, out.flow, budget);
  return out;
}

template <class S>
Vector<double> read_rest(const std::string& file, const Hdf5Group& in, Flow<S>& flow, SizeBudget& budget) {
  read_base(in, flow, budget);
  read_units(file, in, flow, budget);
  return read_parameters(file, in, flow);
}

template <class S> std::vector<std::string> transforms_of(const Flow<S>& flow) {
  const std::size_t blocks = flow.blocks().size(), norms = flow.norms().size(), layers = layers_of(flow).size();
  bool native = norms == 0 || norms == blocks + 1;
  native = native && blocks + layers > 0 && flow.chain.size() == blocks + norms + layers;
  std::vector<std::string> kinds;
  for (std::size_t i = 0; i < flow.chain.size(); ++i) {
    kinds.push_back(flow.chain[i].kind());
    if (i < blocks + norms)
      native = native && kinds.back() == (norms > 0 && i % 2 == 0 ? "batch_norm" : "cnf");
    else
      native = native && is_layer(flow.chain[i]);
  }
  return native ? std::vector<std::string>{} : kinds;
}

#define PATHLINE_INSTANTIATE(S)                                                                   \
  template void write_flow(Hdf5Group&, const Flow<S>&);                                           \
  template ReadFlow<S> read_one(const std::string&, const Hdf5Group&, Index, Index, SizeBudget&); \
  template Vector<double> read_rest(const std::string&, const Hdf5Group&, Flow<S>&, SizeBudget&); \
  template std::vector<std::string> transforms_of(const Flow<S>&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline::model_file
