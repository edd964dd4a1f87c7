/// \file
/// Costs of a trajectory that are integrated beside the log-density and make a flow cheap to solve.
#pragma once

#include "pathline/ode/augmented.hpp"

namespace pathline {

/// Weights (each >= 0) of integrals over time that are computed per sample, with J = df/dz and d components. The terms
/// of RNODE (Finlay et al. 2020, eq. 8) are sums over the components; those of FFJORD (its cnf_regularization module)
/// are means.
struct RegularizerWeights {
  double kinetic = 0;          ///< |f|^2
  double jacobian = 0;         ///< |J|_F^2; with probes Hutchinson's estimate mean_j |J e_j|^2
  double transport = 0;        ///< |f|^2 / 2: OT-Flow's transport cost (Onken et al. 2021, eq. 6)
  double hjb = 0;              ///< |dPhi/dt - |f|^2 / 2| of f = -grad Phi (their eq. 8)
  double l1int = 0;            ///< |f|_1 / d
  double l2int = 0;            ///< |f|_2 / sqrt(d)
  double dl2int = 0;           ///< |J^T f|_2 / sqrt(d)
  double JFrobint = 0;         ///< |J|_F / d
  double JdiagFrobint = 0;     ///< |diag J|_2 / sqrt(d)
  double JoffdiagFrobint = 0;  ///< (|J|_F^2 - |diag J|_2^2) / (d (d - 1)); 0 for d = 1

  bool any() const { return *this != RegularizerWeights{}; }
  bool needs_exact_trace() const { return dl2int > 0 || JFrobint > 0 || JdiagFrobint > 0 || JoffdiagFrobint > 0; }
  bool needs_potential() const { return hjb > 0; }
  bool needs_jacobian() const { return jacobian > 0 || needs_exact_trace(); }
  bool operator==(const RegularizerWeights&) const = default;
};

template <class S> class Regularizer final : public Integrand<S> {
 public:
  /// InputError for a negative weight, and for one that needs the whole Jacobian with other directions than the
  /// identity.
  Regularizer(const RegularizerWeights& weights, TraceKind trace);
  bool needs_potential() const override { return w_.needs_potential(); }
  bool needs_jacobian() const override { return w_.needs_jacobian(); }
  void value(const TangentDirections<S>& e, ConstMatrixRef<S> f, ConstMatrixRef<S> je, MatrixRef<S> out) const override;
  void pullback(const TangentDirections<S>& e, ConstMatrixRef<S> f, ConstMatrixRef<S> je, S scale, MatrixRef<S> f_bar,
                MatrixRef<S> je_bar) const override;

 private:
  RegularizerWeights w_;
};

extern template class Regularizer<float>;
extern template class Regularizer<double>;

}  // namespace pathline
