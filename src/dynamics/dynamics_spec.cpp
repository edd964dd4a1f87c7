#include "pathline/dynamics/dynamics_spec.hpp"

#include "core/named_value.hpp"
#include "core/option_check.hpp"
#include "pathline/dynamics/physics_field.hpp"

namespace pathline {

const std::vector<std::string>& dynamics_names() {
  static const std::vector<std::string> names = {"network", "second_order", "hamiltonian", "newtonian"};
  return names;
}
DynamicsKind parse_dynamics(const std::string& name) {
  return parse_named<DynamicsKind>("field", name, dynamics_names());
}
std::string to_string(DynamicsKind kind) { return dynamics_names()[static_cast<std::size_t>(kind)]; }

template <class S>
std::unique_ptr<VectorField<S>> make_dynamics(const DynamicsSpec& spec, Engine& engine, bool zero_residual) {
  const bool may_see_time = spec.kind == DynamicsKind::network || spec.kind == DynamicsKind::second_order;
  if (spec.time && !may_see_time) throw InputError("field = " + to_string(spec.kind) + ": does not depend on time");
  if (spec.kind == DynamicsKind::newtonian && spec.dim != 9)
    throw InputError(
        fmt::format("field = newtonian: the state has {} columns: must be the 9 of x, y, vx, vy, theta, "
                    "omega, s, l, a",
                    spec.dim));
  if (spec.kind == DynamicsKind::hamiltonian) {
    require(!spec.hidden.empty(), "hidden layers", spec.hidden.size(), ">= 1");
    auto energy = std::make_unique<PotentialField<S>>(PotentialFieldOptions{
        .dim = spec.dim, .width = spec.hidden.front(), .layers = static_cast<Index>(spec.hidden.size())});
    energy->initialize(engine);
    return make_hamiltonian_field<S>(std::move(energy));
  }
  auto network = std::make_unique<Mlp<S>>(MlpOptions{.dim = spec.dim,
                                                     .hidden = spec.hidden,
                                                     .layer = spec.time ? LayerType::concat : LayerType::ignore,
                                                     .activation = spec.activation,
                                                     .time_at_input = true});
  if (!zero_residual) network->initialize(engine);
  if (spec.kind == DynamicsKind::second_order) return make_second_order_field<S>(std::move(network));
  if (spec.kind == DynamicsKind::newtonian) return make_newtonian_field<S>(std::move(network));
  return network;
}

template std::unique_ptr<VectorField<float>> make_dynamics<float>(const DynamicsSpec&, Engine&, bool);
template std::unique_ptr<VectorField<double>> make_dynamics<double>(const DynamicsSpec&, Engine&, bool);

}  // namespace pathline
