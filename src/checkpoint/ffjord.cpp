#include "pathline/checkpoint/ffjord.hpp"

#include <cmath>

#include <fmt/format.h>

#include "checkpoint/parameter_shape.hpp"
#include "checkpoint/size_budget.hpp"
#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {

namespace {

// An FFJORD file, with the name that errors begin with.
struct Source {
  std::string name;
  Hdf5File file;

  [[noreturn]] void refuse(const std::string& what) const { throw InputError(name + ": " + what); }
  std::int64_t integer(const std::string& attribute, std::int64_t fallback) const {
    return file.has_attribute(attribute) ? file.attribute<std::int64_t>(attribute) : fallback;
  }
  Vector<double> values(const std::string& array, const Hdf5Shape& shape) const {
    const auto v = read_shaped(name, file.group("parameters").dataset(array), shape);
    const Vector<double> result = ConstVectorMap<double>(v.data(), static_cast<Index>(v.size()));
    if (!result.allFinite()) refuse("parameters/" + array + ": a value is not finite");
    return result;
  }
};

// prefix: "", or "chain.3." in a chain.
template <class S> Cnf<S> read_cnf(const Source& in, const MlpOptions& options, const std::string& prefix) {
  auto field = std::make_shared<Mlp<S>>(options);
  Vector<S> theta = field->theta();
  for (const auto& p : field->parameters())
    theta.segment(p.offset, p.size()) = in.values(prefix + p.name, shape_of(p)).template cast<S>();
  field->set_theta(theta);
  const double root = in.values(prefix + "sqrt_end_time", {1})[0];
  if (!(root * root > 0)) in.refuse("parameters/" + prefix + "sqrt_end_time: must not be 0");
  return {field, root * root, FieldClock::data_to_base};
}

template <class S> BatchNorm<S> read_norm(const Source& in, Index dim, const std::string& prefix) {
  BatchNorm<S> norm(dim);
  norm.mean = in.values(prefix + "running_mean", {dim}), norm.variance = in.values(prefix + "running_var", {dim});
  norm.log_weight = in.values(prefix + "weight", {dim}), norm.bias = in.values(prefix + "bias", {dim});
  if (in.file.has_attribute("batch_norm_epsilon")) norm.epsilon = in.file.attribute<double>("batch_norm_epsilon");
  if (!(norm.variance.minCoeff() + norm.epsilon > 0)) in.refuse("parameters/" + prefix + "running_var: must be > 0");
  return norm;
}

MlpOptions read_options(const Source& in) {
  MlpOptions options;
  options.dim = in.file.attribute<std::int64_t>("dim");
  options.hidden.clear();
  for (auto width : in.file.attribute<std::vector<std::int64_t>>("hidden")) options.hidden.push_back(width);
  SizeBudget(in.name, in.file).take_layers("hidden", options);
  options.layer = parse_layer_type(in.file.attribute<std::string>("layer_type"));
  options.activation = parse_activation(in.file.attribute<std::string>("nonlinearity"));
  return options;
}

// The order of FFJORD's build_model_tabular is norm, CNF, norm, CNF, ..., norm from the data to the base, without the
// norms if there is no batch norm. Our order starts at the base.
template <class S> Flow<S> read_chain(const Source& in, const MlpOptions& options) {
  const auto count = in.integer("num_blocks", 1);
  const bool norms = in.integer("batch_norm", 0) != 0;
  if (count < 1) in.refuse(fmt::format("num_blocks = {}: must be >= 1", count));
  auto prefix = [&](std::int64_t place) { return fmt::format("chain.{}.", place); };
  if (count == 1 && !norms) return Flow<S>(read_cnf<S>(in, options, ""));
  std::vector<Cnf<S>> blocks;
  for (auto i = count - 1; i >= 0; --i)
    blocks.push_back(read_cnf<S>(in, options, prefix(norms ? 2 * i + 1 : i)));
  std::vector<BatchNorm<S>> between;
  for (auto i = count; norms && i >= 0; --i) between.push_back(read_norm<S>(in, options.dim, prefix(2 * i)));
  return Flow<S>(std::move(blocks), std::move(between));
}

}  // namespace

template <class S> Flow<S> read_ffjord(const std::string& file) {
  const Source in{file, Hdf5File::open(file)};
  if (in.integer("residual", 0) != 0) in.refuse("residual = 1: FFJORD's f = net(z) - z is not supported");
  const MlpOptions options = read_options(in);
  Flow<S> flow = read_chain<S>(in, options);
  if (in.file.has_attribute("mean") && in.file.has_attribute("scale")) {
    const auto mean = in.file.attribute<std::vector<double>>("mean");
    const auto scale = in.file.attribute<std::vector<double>>("scale");
    if (static_cast<Index>(mean.size()) != flow.dim() || mean.size() != scale.size())
      in.refuse(fmt::format("mean, scale: {} and {} numbers, expected {}", mean.size(), scale.size(), flow.dim()));
    const Vector<double> m = ConstVectorMap<double>(mean.data(), flow.dim());
    const Vector<double> s = ConstVectorMap<double>(scale.data(), flow.dim());
    if (!m.allFinite() || !(s.minCoeff() > 0)) in.refuse("scale: must be > 0");
    flow.standardize(m, s);
  }
  return flow;
}

namespace {

template <class S> bool fits_ffjord(const Flow<S>& flow) {
  if (flow.blocks().size() != 1 || flow.chain.size() != 1) return false;
  for (std::size_t i = 0; i < flow.data_side.size(); ++i)
    if (flow.data_side[i].kind() != "affine") return false;
  const auto& block = *flow.blocks()[0];
  const auto about = block.field->describe();
  return block.field->kind() == "mlp" && block.clock == FieldClock::data_to_base && flow.condition_dim() == 0 &&
         flow.base->kind() == BaseKind::normal && !*find_attribute<bool>(about, "residual") &&
         *find_attribute<std::int64_t>(about, "time_frequencies") == 0;
}

}  // namespace

template <class S> void write_ffjord(const std::string& file, const Flow<S>& flow) {
  if (!fits_ffjord(flow)) throw InputError(file + ": this flow cannot be expressed in the layout of FFJORD");
  const auto& block = *flow.blocks()[0];
  const auto about = block.field->describe();
  auto out = Hdf5File::create(file);
  out.set_attribute("dim", static_cast<std::int64_t>(flow.dim()));
  out.set_attribute("hidden", *find_attribute<std::vector<std::int64_t>>(about, "hidden"));
  out.set_attribute("layer_type", *find_attribute<std::string>(about, "layer"));
  out.set_attribute("nonlinearity", *find_attribute<std::string>(about, "activation"));
  out.set_attribute("end_time", block.end_time);
  const Vector<double> mean = flow.mean(), scale = flow.scale();
  out.set_attribute("mean", std::vector<double>(mean.begin(), mean.end()));
  out.set_attribute("scale", std::vector<double>(scale.begin(), scale.end()));
  auto group = out.create_group("parameters");
  for (const auto& p : block.field->parameters()) {
    const Vector<S> values = block.field->theta().segment(p.offset, p.size());
    group.write_values<S>(p.name, shape_of(p), values.data());
  }
  const double root = std::sqrt(block.end_time);
  group.write_values<double>("sqrt_end_time", {}, &root);
  out.commit();
}

template Flow<float> read_ffjord<float>(const std::string&);
template Flow<double> read_ffjord<double>(const std::string&);
template void write_ffjord<float>(const std::string&, const Flow<float>&);
template void write_ffjord<double>(const std::string&, const Flow<double>&);

}  // namespace pathline
