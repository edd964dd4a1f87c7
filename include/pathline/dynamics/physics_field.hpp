/// \file
/// A vector field with a known part: linear terms with named parameters, and a network for what they leave out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/clone_ptr.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/field/potential_field.hpp"
#include "pathline/field/vector_field.hpp"

namespace pathline {

/// A trained number of the known part: sign * parameter at (row, column) of A, or in row `row` of c for column = -1.
struct PhysicsTerm {
  std::string name;
  Index row, column;
  double initial = 0;
  double sign = 1;  ///< "gamma" of -gamma omega: a positive parameter with sign = -1
};

struct PhysicsOptions {
  Matrix<double> fixed = {};  ///< d x d: the part of A that is not trained
  std::vector<PhysicsTerm> terms = {};
  Matrix<double> map = {};  ///< M, d x d: where the network acts
  double gain = 1;          ///< r
  bool train_gain = false;  ///< r is a parameter "r"
  bool bounded = false;     ///< s = tanh; false: s is the identity
  bool autonomous = false;  ///< the network sees t = 0 at every time
};

/// f(t, z) = A z + c + r M s(g(t, z)), with g a network or another field of the same dimension. Parameters: the terms,
/// r if it is trained, then those of g. Second-order, Hamiltonian and Newtonian dynamics are of this form; see the
/// functions below.
template <class S> class PhysicsField final : public VectorField<S> {
 public:
  /// Takes over the network. InputError for matrices of another size, or a term outside of A.
  PhysicsField(std::unique_ptr<VectorField<S>> network, PhysicsOptions options);
  std::unique_ptr<VectorField<S>> clone() const override { return std::make_unique<PhysicsField>(*this); }

  void value(const FieldPoint<S>& x, MatrixRef<S> f, Workspace<S>& w) const override;
  void tangents(const FieldPoint<S>& x, const TangentDirections<S>& e, MatrixRef<S> f, MatrixRef<S> je,
                Workspace<S>& w) const override;
  void pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, ConstMatrixRef<S> f_bar,
                ConstMatrixRef<S> je_bar, FieldCotangent<S> out, Workspace<S>& w) const override;
  void tangents_and_pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, CotangentRule<S>& rule,
                             MatrixRef<S> f, MatrixRef<S> je, FieldCotangent<S> out, Workspace<S>& w) const override;

  const VectorField<S>& network() const { return *network_; }
  const PhysicsOptions& options() const { return options_; }
  double gain() const;  ///< r

 private:
  class Rule;
  void theta_changed() override;
  FieldPoint<S> network_point(const FieldPoint<S>& x) const { return {options_.autonomous ? 0 : x.t, x.z, x.c}; }
  Index own() const { return static_cast<Index>(options_.terms.size()) + options_.train_gain; }
  void combine(ConstMatrixRef<S> x, ConstMatrixRef<S> g, bool affine, MatrixRef<S> f) const;

  ClonePtr<VectorField<S>> network_;
  PhysicsOptions options_;
  Matrix<S> a_, map_;
  Vector<S> c_;
};

/// q'' = g(q, q', t) for z = (q, q') of an even number d of components. Only the last d/2 outputs of the network act.
template <class S>
[[nodiscard]] std::unique_ptr<PhysicsField<S>> make_second_order_field(std::unique_ptr<VectorField<S>> network);

/// q' = dH/dp, p' = -dH/dq for z = (q, p) of an even number of components and H the potential of the network at t = 0
/// (Greydanus, Dzamba & Yosinski 2019). The solution keeps H up to the error of the solver.
template <class S>
[[nodiscard]] std::unique_ptr<PhysicsField<S>> make_hamiltonian_field(std::unique_ptr<PotentialField<S>> energy);

/// The options of Neural Newtonian Dynamics (NewtonGen, arXiv 2509.21309) for z = (x, y, vx, vy, theta, omega, s, l,
/// a):
///   x' = vx, y' = vy, vx' = a_x x + b_x vx + c_x + r R1, vy' = a_y y + b_y vy + c_y + r R2,
///   theta' = omega, omega' = -g_over_L theta - gamma omega + r R3, (s, l, a)' = alpha (s, l, a) + beta + r (R4, R5,
///   R6),
/// with R = tanh of the first six outputs of the network. They start at a = b = c = 0.1 but c_y = -5, g_over_L = 1,
/// gamma = 0.1, alpha = beta = 0.1 (our choice: the paper does not say) and r = 0.01.
[[nodiscard]] PhysicsOptions newtonian_options();

template <class S>
[[nodiscard]] std::unique_ptr<PhysicsField<S>> make_newtonian_field(std::unique_ptr<VectorField<S>> network);

extern template class PhysicsField<float>;
extern template class PhysicsField<double>;

}  // namespace pathline
