// One solve() over Boost.Odeint's steppers: step control, limits, and a report that says what happened.
#pragma once

#include <memory>

#include "pathline/ode/options.hpp"
#include "pathline/ode/report.hpp"
#include "pathline/ode/state.hpp"

namespace pathline {

// dx/dt = system(t, x).
template <class S> class System {
 public:
  virtual ~System() = default;
  virtual void rates(double t, const State<S>& x, State<S>& dxdt) = 0;
};

// One accepted step, from t0 to t1 (either direction).
template <class S> class Step {
 public:
  virtual ~Step() = default;
  double t0 = 0, t1 = 0;
  const State<S>* x0 = nullptr;
  const State<S>* x1 = nullptr;
  // x at t in the step: dopri5's dense output, of order 4 (Hairer, Norsett, Wanner I, II.6); a cubic Hermite polynomial
  // for the other orders to 5, of order 3 and so less exact than the step's end; for fehlberg78 and bulirsch_stoer a
  // step of fehlberg78 from the last point asked for, so ask in the order of the integration.
  virtual void at(double t, State<S>& x) const = 0;
};

template <class S> class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void accepted(const Step<S>& step) = 0;
};

// Holds the stepper's memory: once it has solved a state of some layout, solving another of that layout allocates
// nothing. One a thread.
template <class S> class Solver {
 public:
  explicit Solver(const SolverOptions& options);  // InputError as SolverOptions::check
  ~Solver();
  Solver(Solver&&) noexcept;
  Solver& operator=(Solver&&) noexcept;

  // Takes x from t0 to t1. first_step: size to try first, 0 for Hairer's estimate (I, II.4; one more evaluation). The
  // time of the last step is t1 exactly. On failure x is what was reached.
  SolveReport solve(System<S>& system, State<S>& x, double t0, double t1, StepObserver<S>* observer = nullptr,
                    double first_step = 0);

  const SolverOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class Solver<float>;
extern template class Solver<double>;

}  // namespace pathline
