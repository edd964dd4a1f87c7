#include "pathline/checkpoint/ffjord.hpp"

#include <cmath>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/model/mlp.hpp"

namespace pathline {

template <class S> Flow<S> read_ffjord(const std::string& file) {
  const auto in = Hdf5File::open(file);
  auto refuse = [&](const std::string& what) -> void { throw InputError(file + ": " + what); };
  if (in.has_attribute("num_blocks") && in.attribute<std::int64_t>("num_blocks") != 1)
    refuse("num_blocks: a chain of several flows is not supported, expected 1");
  if (in.has_attribute("residual") && in.attribute<std::int64_t>("residual") != 0)
    refuse("residual = 1: FFJORD's f = net(z) - z is not supported");
  if (in.has_attribute("batch_norm") && in.attribute<std::int64_t>("batch_norm") != 0)
    refuse("batch_norm = 1: moving batch norm is not supported");

  MlpOptions options;
  options.dim = in.attribute<std::int64_t>("dim");
  options.hidden.clear();
  for (auto width : in.attribute<std::vector<std::int64_t>>("hidden")) options.hidden.push_back(width);
  options.layer = parse_layer_type(in.attribute<std::string>("layer_type"));
  options.activation = parse_activation(in.attribute<std::string>("nonlinearity"));
  auto field = std::make_shared<Mlp<S>>(options);
  const auto group = in.group("parameters");
  Vector<S> theta = field->theta();
  for (const auto& p : field->parameters()) {
    const auto data = group.dataset(p.name);
    const auto values = data.template values<S>();
    if (static_cast<Index>(values.size()) != p.size())
      refuse(fmt::format("parameters/{}: {} numbers, expected {} x {}", p.name, values.size(), p.rows, p.cols));
    theta.segment(p.offset, p.size()) = ConstVectorMap<S>(values.data(), p.size());
  }
  if (!theta.allFinite()) refuse("parameters: a value is not finite");
  field->set_theta(theta);
  const double root = group.dataset("sqrt_end_time").values<double>().at(0);
  if (!(root * root > 0)) refuse("parameters/sqrt_end_time: must not be 0");
  Flow<S> flow(Cnf<S>{field, root * root, FieldClock::data_to_base});
  if (in.has_attribute("mean") && in.has_attribute("scale")) {
    const auto mean = in.attribute<std::vector<double>>("mean");
    const auto scale = in.attribute<std::vector<double>>("scale");
    if (static_cast<Index>(mean.size()) != flow.dim() || mean.size() != scale.size())
      refuse(fmt::format("mean, scale: {} and {} numbers, expected {}", mean.size(), scale.size(), flow.dim()));
    flow.mean = ConstVectorMap<double>(mean.data(), flow.dim());
    flow.scale = ConstVectorMap<double>(scale.data(), flow.dim());
    if (!flow.mean.allFinite() || !(flow.scale.minCoeff() > 0)) refuse("scale: must be > 0");
  }
  return flow;
}

template <class S> void write_ffjord(const std::string& file, const Flow<S>& flow) {
  const auto* field = dynamic_cast<const Mlp<S>*>(flow.blocks.front().field.get());
  if (!field || flow.blocks.size() != 1 || !flow.norms.empty() || flow.base->kind() != BaseKind::normal ||
      flow.blocks.front().clock != FieldClock::data_to_base || field->options().residual ||
      field->options().time_frequencies != 0 || field->options().condition_dim != 0)
    throw InputError(file + ": this flow has no place in FFJORD's layout");
  auto out = Hdf5File::create(file);
  const auto& o = field->options();
  out.set_attribute("dim", static_cast<std::int64_t>(o.dim));
  out.set_attribute("hidden", std::vector<std::int64_t>(o.hidden.begin(), o.hidden.end()));
  out.set_attribute("layer_type", to_string(o.layer));
  out.set_attribute("nonlinearity", to_string(o.activation));
  out.set_attribute("end_time", flow.blocks.front().end_time);
  out.set_attribute("mean", std::vector<double>(flow.mean.begin(), flow.mean.end()));
  out.set_attribute("scale", std::vector<double>(flow.scale.begin(), flow.scale.end()));
  auto group = out.create_group("parameters");
  for (const auto& p : field->parameters()) {
    const Vector<S> values = field->theta().segment(p.offset, p.size());
    if (p.name.ends_with("weight")) group.write_values<S>(p.name, {p.rows, p.cols}, values.data());
    else group.write_vector(p.name, values);
  }
  const double root = std::sqrt(flow.blocks.front().end_time);
  group.write_values<double>("sqrt_end_time", {}, &root);
  out.commit();
}

template Flow<float> read_ffjord<float>(const std::string&);
template Flow<double> read_ffjord<double>(const std::string&);
template void write_ffjord<float>(const std::string&, const Flow<float>&);
template void write_ffjord<double>(const std::string&, const Flow<double>&);

}  // namespace pathline
