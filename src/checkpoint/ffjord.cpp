#include "pathline/checkpoint/ffjord.hpp"

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/model/mlp.hpp"

namespace pathline {

template <class S> Flow<S> read_ffjord(const std::string& file) {
  const auto in = Hdf5File::open(file);
  auto refuse = [&](const std::string& what) -> void { throw InputError(file + ": " + what); };
  if (in.has_attribute("num_blocks") && in.template attribute<std::int64_t>("num_blocks") != 1)
    refuse("num_blocks: a chain of several flows is not supported, expected 1");
  if (in.has_attribute("residual") && in.template attribute<std::int64_t>("residual") != 0)
    refuse("residual = 1: FFJORD's f = net(z) - z is not supported");
  if (in.has_attribute("batch_norm") && in.template attribute<std::int64_t>("batch_norm") != 0)
    refuse("batch_norm = 1: moving batch norm is not supported");

  MlpOptions options;
  options.dim = in.template attribute<std::int64_t>("dim");
  options.hidden.clear();
  for (auto width : in.template attribute<std::vector<std::int64_t>>("hidden")) options.hidden.push_back(width);
  options.layer = parse_layer_type(in.template attribute<std::string>("layer_type"));
  options.activation = parse_activation(in.template attribute<std::string>("nonlinearity"));
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
  const double root = group.dataset("sqrt_end_time").template values<double>().at(0);
  if (!(root * root > 0)) refuse("parameters/sqrt_end_time: must not be 0");
  return Flow<S>({field, root * root, FieldClock::data_to_base});
}

template Flow<float> read_ffjord<float>(const std::string&);
template Flow<double> read_ffjord<double>(const std::string&);

}  // namespace pathline
