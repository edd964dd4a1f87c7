/// \file
/// The form of a learned vector field in numbers and names, from which it is built again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/field/activation.hpp"
#include "pathline/field/vector_field.hpp"

namespace pathline {

/// network: f is a multilayer network. second_order, hamiltonian, newtonian: see dynamics/physics_field.hpp.
enum class DynamicsKind { network, second_order, hamiltonian, newtonian };
[[nodiscard]] DynamicsKind parse_dynamics(const std::string& name);  ///< InputError with the allowed names
[[nodiscard]] std::string to_string(DynamicsKind kind);
[[nodiscard]] const std::vector<std::string>& dynamics_names();

struct DynamicsSpec {
  DynamicsKind kind = DynamicsKind::network;
  Index dim = 2;                             ///< d; newtonian: 9; second_order, hamiltonian: even
  std::vector<Index> hidden = {32, 32};      ///< widths; hamiltonian: as many layers of the first one's width
  Activation activation = Activation::tanh;  ///< not of hamiltonian
  bool time = false;                         ///< the network sees t; network and second_order only

  bool autonomous() const { return !time; }
};

/// Builds the field with weights drawn from the engine. zero_residual: the network of a newtonian field starts at zero,
/// as in NewtonGen's published code. InputError for a value out of its range.
template <class S> [[nodiscard]] std::unique_ptr<VectorField<S>> make_dynamics(const DynamicsSpec& spec, Engine& engine,
                                                                               bool zero_residual = false);

extern template std::unique_ptr<VectorField<float>> make_dynamics<float>(const DynamicsSpec&, Engine&, bool);
extern template std::unique_ptr<VectorField<double>> make_dynamics<double>(const DynamicsSpec&, Engine&, bool);

}  // namespace pathline
