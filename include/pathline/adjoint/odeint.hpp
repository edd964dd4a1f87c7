/// \file
/// The solution of dz/dt = f(t, z; theta, c) at given times, and its vector-Jacobian product for any loss.
#pragma once

#include <memory>
#include <vector>

#include "pathline/adjoint/adjoint_kind.hpp"
#include "pathline/field/vector_field.hpp"
#include "pathline/ode/options.hpp"
#include "pathline/ode/report.hpp"

namespace pathline {

struct OdeintOptions {
  SolverOptions solver = {};  ///< steps > 0: this many equal steps between two successive times
  AdjointKind adjoint = AdjointKind::discrete;
  Index tile = 64;  ///< > 0: samples solved together, with steps that every one of them accepts
  int threads = 1;  ///< >= 0, 0: one per core. Results do not depend on it, bit for bit
};

/// The derivatives of the loss by everything that the solution depends on.
template <class S> struct OdeintGradient {
  Matrix<S> z0;          ///< d x B
  Vector<S> theta;       ///< P, summed over the samples
  Vector<double> times;  ///< T, summed over the samples; dL/dt0 is at fixed z(t0)
  Matrix<S> condition;   ///< dc x B
  SolveReport report;    ///< evaluations on the way back; a status of its own with backsolve and checkpointed
};

/// Solves an initial value problem and remembers what the pullback of a loss needs:
///
/// \code
///     Odeint<double> ode({.solver = {.rtol = 1e-8, .atol = 1e-8}});
///     const auto& z = ode.solve(field, z0, {0.0, 0.5, 2.0});            // [z(0) | z(0.5) | z(2)], d x 3 B
///     const auto gradient = ode.pullback(field, 2 * (z - observed));    // of the sum of squared errors
/// \endcode
///
/// Between two times the adjoint a = dL/dz follows da/dt = -(df/dz)^T a; at each time it jumps by the derivative of the
/// loss by the state there (Chen et al. 2018, figure 2 and appendix C). The state carries no trace. A solve ends a step
/// at every time, so that the discrete adjoint is the exact gradient of the states that are returned. The memory is
/// kept between calls; each thread needs its own object.
template <class S> class Odeint {
 public:
  /// Throws InputError for an option out of its range, or a stepper that the discrete adjoint cannot reverse.
  explicit Odeint(const OdeintOptions& options = {});
  ~Odeint();
  Odeint(Odeint&&) noexcept;
  Odeint& operator=(Odeint&&) noexcept;

  /// Returns the states at all times, d x BT: sample b at times[k] is column kB + b. z0 (d x B) is the state at
  /// times[0]. times: T >= 1 finite numbers that increase or that decrease. condition: dc x B; left out for a field
  /// without one. Throws InputError for arguments of other shapes. If a solve fails, the report says so and the states
  /// that it did not reach are NaN.
  const Matrix<S>& solve(const VectorField<S>& field, ConstMatrixRef<S> z0, const std::vector<double>& times,
                         ConstMatrixRef<S> condition = Matrix<S>(0, 0));
  const SolveReport& report() const;  ///< of the last solve, summed over the tiles and intervals

  /// Applies the transpose of the last solve's (z0, theta, times, condition) -> states to states_bar, d x BT. field:
  /// the one of the solve, unchanged. Throws NumericalError if the solve, or the one back, has failed.
  const OdeintGradient<S>& pullback(const VectorField<S>& field, ConstMatrixRef<S> states_bar);

  const OdeintOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The states at all times alone, as Odeint::solve gives them. Throws NumericalError with advice if the solve fails.
template <class S> [[nodiscard]] Matrix<S> odeint(const VectorField<S>& field, const Matrix<S>& z0,
                                                  const std::vector<double>& times, const OdeintOptions& options = {},
                                                  const Matrix<S>& condition = Matrix<S>(0, 0));

extern template class Odeint<float>;
extern template class Odeint<double>;
extern template Matrix<float> odeint<float>(const VectorField<float>&, const Matrix<float>&, const std::vector<double>&,
                                            const OdeintOptions&, const Matrix<float>&);
extern template Matrix<double> odeint<double>(const VectorField<double>&, const Matrix<double>&,
                                              const std::vector<double>&, const OdeintOptions&, const Matrix<double>&);

}  // namespace pathline
