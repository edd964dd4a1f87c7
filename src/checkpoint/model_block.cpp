#include "checkpoint/model_block.hpp"

#include <cstdint>
#include <memory>

#include <fmt/format.h>

#include "checkpoint/model_part.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/field/potential_field.hpp"

namespace pathline::model_file {

namespace {

template <class S> std::shared_ptr<VectorField<S>> read_field(const std::string& file, const Hdf5Group& block,
                                                              Index dim, Index condition_dim, SizeBudget& budget) {
  const auto field = block.attribute<std::string>("field");
  if (field == "potential") {
    const PotentialFieldOptions o{.dim = dim,
                                  .condition_dim = condition_dim,
                                  .width = block.attribute<std::int64_t>("width"),
                                  .layers = block.attribute<std::int64_t>("layers"),
                                  .rank = block.attribute<std::int64_t>("rank")};
    budget.take_potential(block.path() + ": width, layers, rank", o);
    return std::make_shared<PotentialField<S>>(o);
  }
  if (field != "mlp")
    refuse(file,
           fmt::format("{}: the vector field is a user-defined class ('{}'), which a file does not contain; make a "
                       "flow of it in C++ and read the file with read_parameters_into",
                       block.path(), field));
  MlpOptions o{.dim = dim, .condition_dim = condition_dim};
  const auto hidden = block.attribute<std::vector<std::int64_t>>("hidden");
  o.hidden.assign(hidden.begin(), hidden.end());
  budget.take_layers(block.path() + ": hidden", o);
  o.layer = parse_layer_type(block.attribute<std::string>("layer"));
  o.activation = parse_activation(block.attribute<std::string>("activation"));
  o.residual = block.attribute<bool>("residual");
  o.time_features = block.attribute<std::int64_t>("time_frequencies");
  o.time_at_input = block.has_attribute("time_at_input") && block.attribute<bool>("time_at_input");
  return std::make_shared<Mlp<S>>(o);
}

}  // namespace

template <class S> void write_blocks(Hdf5Group& out, const Flow<S>& flow) {
  const auto blocks = flow.blocks();
  for (std::size_t i = 0; i < blocks.size(); ++i)
    write_attributes(out.create_group("blocks/" + std::to_string(i)), blocks[i]->describe());
  const auto norms = flow.norms();
  for (std::size_t i = 0; i < norms.size(); ++i)
    write_attributes(out.create_group("norms/" + std::to_string(i)), norms[i]->describe());
}

template <class S> std::vector<Cnf<S>> read_blocks(const std::string& file, const Hdf5Group& in, Index dim,
                                                   Index condition_dim, SizeBudget& budget) {
  std::vector<Cnf<S>> blocks;
  for (const auto& group : groups_of(in, "blocks")) {
    blocks.emplace_back(read_field<S>(file, group, dim, condition_dim, budget));
    read_times(file, group, blocks.back());
  }
  return blocks;
}

template <class S> void read_times(const std::string& file, const Hdf5Group& block, Cnf<S>& cnf) {
  cnf.end_time = block.attribute<double>("end_time");
  if (!(cnf.end_time > 0)) refuse(file, block.path() + fmt::format(": end_time = {}: must be > 0", cnf.end_time));
  const auto clock = block.attribute<std::string>("clock");
  if (clock != "base_to_data" && clock != "data_to_base")
    refuse(file, block.path() + ": clock '" + clock + "': expected base_to_data or data_to_base");
  cnf.clock = clock == "base_to_data" ? FieldClock::base_to_data : FieldClock::data_to_base;
  cnf.train_end_time = block.attribute<bool>("train_end_time");
}

template <class S> void check_field(const std::string& file, const Hdf5Group& block, const VectorField<S>& field) {
  if (const auto found = block.attribute<std::string>("field"); found != field.kind())
    refuse(file, block.path() + fmt::format(": field is '{}'; the flow has '{}'", found, field.kind()));
  check_attributes(file, block, field.describe(), "vector field");
}

template <class S> std::vector<BatchNorm<S>> read_norms(const std::string& file, const Hdf5Group& in, Index dim) {
  std::vector<BatchNorm<S>> norms;
  for (const auto& group : groups_of(in, "norms")) read_norm(file, group, norms.emplace_back(dim));
  return norms;
}

template <class S> void read_norm(const std::string& file, const Hdf5Group& group, BatchNorm<S>& norm) {
  norm.mean = read_sized(file, group, "mean", norm.dim()),
  norm.variance = read_sized(file, group, "variance", norm.dim());
  norm.epsilon = group.attribute<double>("epsilon");
  if (!((norm.variance.array() + norm.epsilon) > 0).all()) refuse(file, group.path() + ": variance: must be > 0");
}

#define PATHLINE_INSTANTIATE(S)                                                                              \
  template void write_blocks(Hdf5Group&, const Flow<S>&);                                                    \
  template std::vector<Cnf<S>> read_blocks(const std::string&, const Hdf5Group&, Index, Index, SizeBudget&); \
  template void read_times(const std::string&, const Hdf5Group&, Cnf<S>&);                                   \
  template void check_field(const std::string&, const Hdf5Group&, const VectorField<S>&);                    \
  template std::vector<BatchNorm<S>> read_norms(const std::string&, const Hdf5Group&, Index);                \
  template void read_norm(const std::string&, const Hdf5Group&, BatchNorm<S>&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline::model_file
