#include "checkpoint/model_units.hpp"

#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "checkpoint/model_part.hpp"
#include "pathline/core/error.hpp"
#include "pathline/transform/marginals.hpp"

namespace pathline::model_file {

template <class S> void write_scales(Hdf5Group& out, const Flow<S>& flow) {
  out.set_attribute("logit", flow.logit());
  out.write_vector("mean", flow.mean()), out.write_vector("scale", flow.scale());
  out.write_vector("condition_mean", flow.condition_mean), out.write_vector("condition_scale", flow.condition_scale);
}

void write_marginals(Hdf5Group& out, const Chain<double>& data_side) {
  for (const auto* marginals : data_side.all<Marginals>())
    for (std::size_t i = 0; i < marginals->maps().size(); ++i) {
      const auto& map = marginals->maps()[i];
      auto group = out.create_group("marginals/" + std::to_string(i));
      group.write_vector("x", map.x), group.write_vector("z", map.z);
      group.set_attribute("low_shape", map.low.shape), group.set_attribute("low_scale", map.low.scale);
      group.set_attribute("high_shape", map.high.shape), group.set_attribute("high_scale", map.high.scale);
    }
}

namespace {

void write_bounds(Hdf5Group group, const Bounds<double>& bounds) {
  group.write_vector("low", bounds.low()), group.write_vector("high", bounds.high());
  group.write_vector("inset", bounds.inset());
}

void write_periods(Hdf5Group group, const Periods& periods) {
  group.write_vector("start", periods.start()), group.write_vector("length", periods.length());
}

}  // namespace

template <class S> void write_limits(Hdf5Group& out, const Flow<S>& flow) {
  // The file has one row of L a row, and write_matrix one column a row.
  if (const auto* linear = flow.linear()) out.write_matrix("linear", Matrix<double>(linear->lower().transpose()));
  if (const auto* bounds = flow.bounds()) write_bounds(out.create_group("bounds"), *bounds);
  if (const auto* periods = flow.periods()) write_periods(out.create_group("period"), *periods);
}

namespace {

void read_marginals(const std::string& file, const Hdf5Group& in, Chain<double>& data_side, Index dim,
                    SizeBudget& budget) {
  std::vector<MarginalMap> maps;
  for (const auto& group : groups_of(in, "marginals")) {
    maps.push_back({group.read_vector<double>("x"),
                    group.read_vector<double>("z"),
                    {group.attribute<double>("low_shape"), group.attribute<double>("low_scale")},
                    {group.attribute<double>("high_shape"), group.attribute<double>("high_scale")}});
    budget.take(group.path(), {maps.back().x.size(), 2});
  }
  if (maps.empty()) return;
  if (std::ssize(maps) != dim) refuse(file, fmt::format("marginals: {}, expected {}", maps.size(), dim));
  try {
    set_marginals(data_side, Marginals(std::move(maps)));
  } catch (const InputError& error) {
    throw in_file(file, error);
  }
}

std::optional<Bounds<double>> read_bounds(const std::string& file, const Hdf5Group& in, Index dim) {
  if (!in.exists("bounds")) return std::nullopt;
  const auto group = in.group("bounds");
  const auto low = group.read_vector<double>("low"), high = group.read_vector<double>("high"),
             inset = group.read_vector<double>("inset");
  if (low.size() != dim) refuse(file, fmt::format("bounds: {} columns, expected {}", low.size(), dim));
  return Bounds<double>(low, high, inset);
}

std::optional<Periods> read_periods(const std::string& file, const Hdf5Group& in, const Bounds<double>* bounds) {
  if (!in.exists("period")) return std::nullopt;
  if (!bounds) refuse(file, "period: needs bounds");
  const auto group = in.group("period");
  return Periods(group.read_vector<double>("start"), group.read_vector<double>("length"), *bounds);
}

}  // namespace

template <class S> void read_units(const std::string& file, const Hdf5Group& in, Flow<S>& flow, SizeBudget& budget) {
  const auto mean = read_sized(file, in, "mean", flow.dim()), scale = read_sized(file, in, "scale", flow.dim());
  flow.condition_mean = read_sized(file, in, "condition_mean", flow.condition_dim());
  flow.condition_scale = read_sized(file, in, "condition_scale", flow.condition_dim());
  if (!(scale.minCoeff() > 0)) refuse(file, "scale: must be > 0");
  if (!(flow.condition_scale.array() > 0).all()) refuse(file, "condition_scale: must be > 0");
  flow.standardize(mean, scale);
  const auto logit = in.attribute<double>("logit");
  if (!(logit >= 0 && logit < 0.5)) refuse(file, "logit: must be in [0, 0.5)");
  flow.set_logit(logit);
  read_marginals(file, in, flow.data_side, flow.dim(), budget);
  if (in.exists("linear")) budget.take("linear", {flow.dim(), flow.dim()});
  flow.set_linear(in.exists("linear") ? std::optional(Linear<double>(in.read_matrix<double>("linear").transpose()))
                                      : std::nullopt);
  if (flow.linear() && flow.linear()->dim() != flow.dim()) refuse(file, "linear: expected a row for each column");
  flow.set_bounds(read_bounds(file, in, flow.dim()));
  flow.set_periods(read_periods(file, in, flow.bounds()));
}

#define PATHLINE_INSTANTIATE(S)                           \
  template void write_scales(Hdf5Group&, const Flow<S>&); \
  template void write_limits(Hdf5Group&, const Flow<S>&); \
  template void read_units(const std::string&, const Hdf5Group&, Flow<S>&, SizeBudget&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline::model_file
