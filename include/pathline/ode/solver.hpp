/// \file
/// One solve() over Boost.Odeint's steppers, with step control, limits and a report of the outcome.
#pragma once

#include <memory>
#include <span>

#include "pathline/ode/options.hpp"
#include "pathline/ode/report.hpp"
#include "pathline/ode/state.hpp"

namespace pathline {

/// The right-hand side of dx/dt = system(t, x).
template <class S> class System {
 public:
  virtual ~System() = default;
  virtual void rates(double t, const State<S>& x, State<S>& dxdt) = 0;
};

/// One accepted step from t0 to t1, in either direction of time.
template <class S> class Step {
 public:
  virtual ~Step() = default;
  double t0 = 0, t1 = 0;
  const State<S>* x0 = nullptr;
  const State<S>* x1 = nullptr;
  /// The rates k_1, k_2, ... of the stages, in the order of the method's tableau, if the observer wants_rates() and the
  /// method has one (find_tableau); else empty. Behind them may be the rate at x1.
  std::span<const State<S>> rates;
  /// Writes the solution at time t in [t0, t1] to x. dopri5 uses its dense output of order 4 (Hairer, Norsett, Wanner
  /// I, II.6). Other methods up to order 5 use a cubic Hermite polynomial, which has order 3 and is less accurate than
  /// the end of the step. fehlberg78 and bulirsch_stoer make a step of fehlberg78 from the previous requested point, so
  /// the times must be requested in the order of the integration.
  virtual void at(double t, State<S>& x) const = 0;
};

template <class S> class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void accepted(const Step<S>& step) = 0;
  /// Whether the steps are to have their rates, each of which is a copy of a state.
  virtual bool wants_rates() const { return false; }
};

/// A solver keeps the memory of its stepper: after the first solve of a state layout, further solves of this layout
/// allocate no memory. Each thread needs its own solver.
template <class S> class Solver {
 public:
  explicit Solver(const SolverOptions& options);  ///< throws InputError as SolverOptions::check
  ~Solver();
  Solver(Solver&&) noexcept;
  Solver& operator=(Solver&&) noexcept;

  /// Integrates x from t0 to t1. first_step is the step size to try first; 0 uses Hairer's estimate (I, II.4), which
  /// costs one more evaluation. The last step ends at t1 exactly. If the solve fails, x is the state that it reached.
  [[nodiscard]] SolveReport solve(System<S>& system, State<S>& x, double t0, double t1,
                                  StepObserver<S>* observer = nullptr, double first_step = 0);

  const SolverOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class Solver<float>;
extern template class Solver<double>;

}  // namespace pathline
