#include "checkpoint/model_ensemble.hpp"

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "checkpoint/model_flow.hpp"
#include "checkpoint/model_part.hpp"

namespace pathline::model_file {

namespace {

constexpr std::int64_t kMostMembers = 1000;

}  // namespace

bool is_ensemble(const Hdf5Group& in) {
  return in.exists("base") && in.group("base").has_attribute("kind") &&
         in.group("base").attribute<std::string>("kind") == to_string(BaseKind::flow_mixture);
}

template <class S>
void write_ensemble(Hdf5File& out, const FlowMixture<S>& mixture, const std::vector<std::string>& recipes) {
  auto base = out.create_group("base");
  base.set_attribute("kind", to_string(mixture.kind()));
  base.set_attribute("components", static_cast<std::int64_t>(mixture.components()));
  base.write_vector("weights", mixture.weights());
  for (Index k = 0; k < mixture.components(); ++k) {
    auto group = out.create_group("members/" + std::to_string(k));
    write_flow(group, mixture.members()[static_cast<std::size_t>(k)]);
    if (k < std::ssize(recipes)) group.write_string("recipe", recipes[static_cast<std::size_t>(k)]);
  }
}

template <class S> Flow<S> read_ensemble(const std::string& file, const Hdf5Group& in, Index dim, Index condition_dim,
                                         const SolverOptions& solver, SizeBudget& budget) {
  const auto base = in.group("base");
  const Index count = base.attribute<std::int64_t>("components");
  if (count < 1 || count > kMostMembers)
    refuse(file, fmt::format("base: components = {}: must be in [1, {}] members", count, kMostMembers));
  const auto weights = read_sized(file, base, "weights", count);
  for (const auto& parent : {"blocks", "norms", "transforms"})
    if (in.exists(parent)) refuse(file, fmt::format("{}: only the members of an ensemble have transforms", parent));
  std::vector<Flow<S>> members;
  for (Index k = 0; k < count; ++k) {
    const std::string name = "members/" + std::to_string(k);
    if (!in.exists(name)) refuse(file, fmt::format("{}: not found; expected {} members", name, count));
    const auto group = in.group(name);
    if (is_ensemble(group)) refuse(file, name + ": is an ensemble itself; expected one flow");
    members.push_back(read_one<S>(file + ": " + name, group, dim, condition_dim, budget).flow);
  }
  if (in.exists("members/" + std::to_string(count)))
    refuse(file, fmt::format("members: more than the {} that the base has as components", count));
  return flow_mixture(std::move(members), weights, solver);
}

std::vector<std::string> read_member_recipes(const std::string& file, const Hdf5File& in) {
  std::vector<std::string> out;
  if (!is_ensemble(in)) return out;
  SizeBudget budget(file, in);
  for (Index k = 0; k < kMostMembers; ++k) {
    const std::string name = "members/" + std::to_string(k);
    if (!in.exists(name)) break;
    const auto member = in.group(name);
    if (!member.exists("recipe")) continue;
    out.push_back(member.read_string("recipe"));
    budget.take(name + ": recipe", {std::ssize(out.back())});
  }
  return out;
}

#define PATHLINE_INSTANTIATE(S)                                                                    \
  template void write_ensemble(Hdf5File&, const FlowMixture<S>&, const std::vector<std::string>&); \
  template Flow<S> read_ensemble(const std::string&, const Hdf5Group&, Index, Index, const SolverOptions&, SizeBudget&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline::model_file
