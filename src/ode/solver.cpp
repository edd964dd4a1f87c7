#include "pathline/ode/solver.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ode/odeint_state.hpp"
#include "ode/solve_deadline.hpp"
#include "pathline/core/error.hpp"
#include "pathline/ode/tableau.hpp"

#include <boost/numeric/odeint/stepper/adams_bashforth_moulton.hpp>
#include <boost/numeric/odeint/stepper/bulirsch_stoer.hpp>
#include <boost/numeric/odeint/stepper/euler.hpp>
#include <boost/numeric/odeint/stepper/modified_midpoint.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta4.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_cash_karp54.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_fehlberg78.hpp>

namespace pathline {
namespace {

namespace odeint = boost::numeric::odeint;

constexpr double kSafety = 0.9, kLeastFactor = 0.2, kMostFactor = 10;  // Hairer, Norsett, Wanner I, II.4

// The rates of the stages of a step, in the order in which Odeint's steppers evaluate them, which is that of the
// tableau.
template <class S> class StageRates {
 public:
  void begin() { size_ = 0; }
  void add(const State<S>& rate) {
    if (size_ == rates_.size()) rates_.emplace_back();
    rates_[size_++] = rate;
  }
  std::span<const State<S>> all() const { return {rates_.data(), size_}; }

 private:
  std::vector<State<S>> rates_;  // keeps its memory
  std::size_t size_ = 0;
};

// The system that Odeint calls. It counts evaluations, and can be copied, as Odeint does, without copying the field.
template <class S> struct Counted {
  System<S>* system;
  StageRates<S>* stages = nullptr;  // where the rates are kept, if they are wanted
  Index count = 0;
  void operator()(const State<S>& x, State<S>& dxdt, double t) {
    ++count;
    system->rates(t, x, dxdt);
    if (stages) stages->add(dxdt);
  }
  void begin_step(const State<S>& f0) {
    if (stages) stages->begin(), stages->add(f0);
  }
};

// An accepted step with the right-hand side at its ends.
template <class S> struct StepEnds {
  double t0, t1;
  const State<S>&x0, &x1, &f0, &f1;
};

// A method that makes one step, with an error estimate if the method has one.
template <class S> class Stepper {
 public:
  using Sys = std::reference_wrapper<Counted<S>>;
  virtual ~Stepper() = default;
  // Steps from x0 at time t by h to x1, with f0 = f(t, x0). A method with an error estimate writes it to `error`; a
  // first-same-as-last method writes f(t + h, x1) to f1.
  virtual void step(Sys system, const State<S>& x0, const State<S>& f0, double t, double h, State<S>& x1, State<S>& f1,
                    State<S>& error) = 0;
  virtual bool first_same_as_last() const { return false; }
  virtual bool takes_first_rate() const { return true; }  // false: step() does not use f0
  virtual void reset() {}

  // Whether interpolate() is as accurate as the method. If not, a point inside a step is computed by another step.
  virtual bool interpolates() const { return true; }
  // Computes the solution at t in [t0, t1] by the dense output of the method, or else by Hermite interpolation, (6.7).
  virtual void interpolate(double t, const StepEnds<S>& e, State<S>& x) {
    const double h = e.t1 - e.t0, s = (t - e.t0) / h;
    const auto& y0 = e.x0.flat();
    const auto& y1 = e.x1.flat();
    const S a = static_cast<S>((1 + 2 * s) * (1 - s) * (1 - s)), b = static_cast<S>(s * s * (3 - 2 * s));
    const S c = static_cast<S>(h * s * (1 - s) * (1 - s)), d = static_cast<S>(h * s * s * (s - 1));
    x.flat() = a * y0 + b * y1 + c * e.f0.flat() + d * e.f1.flat();
  }
};

template <class S, template <class, class, class, class, class, class, class> class Kind> using OdeintStepper =
    Kind<State<S>, S, State<S>, double, FlatAlgebra, odeint::default_operations, odeint::always_resizer>;

template <class S, class Kind> class PlainStepper final : public Stepper<S> {
 public:
  void step(typename Stepper<S>::Sys system, const State<S>& x0, const State<S>& f0, double t, double h, State<S>& x1,
            State<S>&, State<S>&) override {
    kind_.do_step(system, x0, f0, t, x1, h);
  }

 private:
  Kind kind_;
};

template <class S, class Kind> class ErrorStepper final : public Stepper<S> {
 public:
  void step(typename Stepper<S>::Sys system, const State<S>& x0, const State<S>& f0, double t, double h, State<S>& x1,
            State<S>&, State<S>& error) override {
    kind_.do_step(system, x0, f0, t, x1, h, error);
  }

 private:
  Kind kind_;
};

// Fehlberg's estimate 41/840 h (k1 + k11 - k12 - k13) has the nodes 0, 1, 0, 1. It is therefore zero for a quadrature,
// whatever the integrand is (Hairer, Norsett, Wanner I, II.5), and l is a quadrature where z is at rest. This stepper
// takes the larger of that estimate and of 1 % of the distance to the open Newton-Cotes rule on the stages at 1/6 ...
// 5/6. The rule has order 7 and the method 8, so that the distance is about a hundred times the error once the steps
// resolve the integrand. It costs 5 to 45 % more evaluations.
template <class S> class Fehlberg78Stepper final : public Stepper<S> {
 public:
  void step(typename Stepper<S>::Sys system, const State<S>& x0, const State<S>& f0, double t, double h, State<S>& x1,
            State<S>&, State<S>& error) override {
    Recorder record{&system.get(), this, 1};
    kind_.do_step(std::ref(record), x0, f0, t, x1, h, error);
    const auto k = [this](int stage) { return k_[static_cast<std::size_t>(stage - 2)].flat().array(); };
    const S unit = static_cast<S>(kShare * h / 20);
    error.flat() =
        error.flat().array().abs().max((S(kShare) * (x1.flat().array() - x0.flat().array()) -
                                        unit * (S(11) * (k(7) + k(8)) - S(14) * (k(9) + k(10)) + S(26) * k(6)))
                                           .abs());
  }
  bool interpolates() const override { return false; }

 private:
  static constexpr double kShare = 0.01;
  struct Recorder {
    Counted<S>* system;
    Fehlberg78Stepper* to;
    int stage;
    void operator()(const State<S>& x, State<S>& dxdt, double t) {
      (*system)(x, dxdt, t);
      to->k_[static_cast<std::size_t>(++stage - 2)] = dxdt;
    }
  };
  OdeintStepper<S, odeint::runge_kutta_fehlberg78> kind_;
  std::array<State<S>, 12> k_;  // the rates k of the stages 2 ... 13
};

template <class S> class Dopri5Stepper final : public Stepper<S> {
 public:
  void step(typename Stepper<S>::Sys system, const State<S>& x0, const State<S>& f0, double t, double h, State<S>& x1,
            State<S>& f1, State<S>& error) override {
    kind_.do_step(system, x0, f0, t, x1, f1, h, error);
  }
  bool first_same_as_last() const override { return true; }
  void interpolate(double t, const StepEnds<S>& e, State<S>& x) override {
    kind_.calc_state(t, x, e.x0, e.f0, e.t0, e.x1, e.f1, e.t1);
  }

 private:
  OdeintStepper<S, odeint::runge_kutta_dopri5> kind_;
};

template <class S> class AdamsStepper final : public Stepper<S> {
  using Kind = odeint::adams_bashforth_moulton<4, State<S>, S, State<S>, double, FlatAlgebra,
                                               odeint::default_operations, odeint::always_resizer>;

 public:
  void step(typename Stepper<S>::Sys system, const State<S>& x0, const State<S>&, double t, double h, State<S>& x1,
            State<S>&, State<S>&) override {
    kind_.do_step(system, x0, t, x1, h);
  }
  bool takes_first_rate() const override { return false; }
  void reset() override { kind_ = Kind(); }

 private:
  Kind kind_;
};

template <class S> std::unique_ptr<Stepper<S>> make_stepper(StepperKind kind) {
  switch (kind) {
    case StepperKind::euler:
      return std::make_unique<PlainStepper<S, OdeintStepper<S, odeint::euler>>>();
    case StepperKind::midpoint:
      return std::make_unique<PlainStepper<S, OdeintStepper<S, odeint::modified_midpoint>>>();
    case StepperKind::rk4:
      return std::make_unique<PlainStepper<S, OdeintStepper<S, odeint::runge_kutta4>>>();
    case StepperKind::cash_karp:
      return std::make_unique<ErrorStepper<S, OdeintStepper<S, odeint::runge_kutta_cash_karp54>>>();
    case StepperKind::dopri5:
      return std::make_unique<Dopri5Stepper<S>>();
    case StepperKind::fehlberg78:
      return std::make_unique<Fehlberg78Stepper<S>>();
    case StepperKind::bulirsch_stoer:
      return nullptr;
    case StepperKind::adams_bashforth_moulton:
      return std::make_unique<AdamsStepper<S>>();
  }
  return nullptr;
}

}  // namespace

template <class S> struct Solver<S>::Impl {
  using Sys = std::reference_wrapper<Counted<S>>;
  using BulirschStoer = odeint::bulirsch_stoer<State<S>, S, State<S>, double, FlatAlgebra, odeint::default_operations,
                                               odeint::always_resizer>;
  class AcceptedStep;

  explicit Impl(const SolverOptions& o) : options(o), stepper(make_stepper<S>(o.stepper)) {}

  SolverOptions options;
  std::unique_ptr<Stepper<S>> stepper;  // null for bulirsch_stoer
  bool interpolates() const { return stepper && stepper->interpolates(); }
  std::unique_ptr<Stepper<S>> between;  // makes steps to points inside a step of fehlberg78
  std::unique_ptr<BulirschStoer> extrapolation;
  State<S> x1, f0, f1, error, point, point_rate;
  StageRates<S> stages;
  SolveDeadline deadline;  // of this solve

  double scaled(const State<S>& x0, const State<S>& x, State<S>& e) const;
  double initial_step(Counted<S>& system, const State<S>& x, double t, double span);
  SolveReport fixed(Counted<S>& system, State<S>& x, double t0, double t1, StepObserver<S>* observer);
  SolveReport adaptive(Counted<S>& system, State<S>& x, double t0, double t1, StepObserver<S>* observer, double first);
  SolveReport extrapolate(Counted<S>& system, State<S>& x, double t0, double t1, StepObserver<S>* observer,
                          double first);
  bool out_of_steps(SolveReport& report) const;
  void check_time(const SolveReport& report) const;
  bool step_vanishes(SolveReport& report, double t, double t1, double h, bool finite) const;
  void accept(Counted<S>& system, State<S>& x, double t, double t1, StepObserver<S>* observer, bool know_f1);
};

// A view of the arrays of the solver, which is valid during the callback only.
template <class S> class Solver<S>::Impl::AcceptedStep final : public Step<S> {
 public:
  AcceptedStep(Impl& impl, Counted<S>& system) : impl_(impl), system_(system) {}
  void at(double t, State<S>& x) const override {
    auto& m = impl_;
    x.resize(this->x0->layout());
    if (m.interpolates())
      m.stepper->interpolate(t, {this->t0, this->t1, *this->x0, *this->x1, m.f0, m.f1}, x);
    else
      resolve(t, x);
  }

 private:
  void resolve(double t, State<S>& x) const {
    auto& m = impl_;
    if (!m.between) m.between = make_stepper<S>(StepperKind::fehlberg78);
    if (!started_) m.point = *this->x0, t_last_ = this->t0, started_ = true;
    m.point_rate.resize(x.layout()), m.error.resize(x.layout());
    system_(m.point, m.point_rate, t_last_);
    m.between->step(std::ref(system_), m.point, m.point_rate, t_last_, t - t_last_, x, m.f1, m.error);
    m.point = x, t_last_ = t;
  }

  Impl& impl_;
  Counted<S>& system_;
  mutable bool started_ = false;
  mutable double t_last_ = 0;
};

// The norm of Hairer, Norsett, Wanner I, II.4, (4.11), taken for each sample; the result is the largest.
template <class S> double Solver<S>::Impl::scaled(const State<S>& x0, const State<S>& x, State<S>& e) const {
  const S atol = static_cast<S>(options.atol), rtol = static_cast<S>(options.rtol);
  e.flat() = e.flat().array() / (atol + rtol * x0.flat().array().abs().max(x.flat().array().abs()));
  return sample_norm(e.layout(), e.data());
}

// Computes the starting step size of Hairer, Norsett, Wanner I, II.4. f0 is known.
template <class S> double Solver<S>::Impl::initial_step(Counted<S>& system, const State<S>& x, double t, double span) {
  const double sign = span < 0 ? -1 : 1;
  auto size = [&](const State<S>& v) {
    error.flat() = v.flat();
    return scaled(x, x, error);
  };
  const double d0 = size(x), d1 = size(f0);
  if (!std::isfinite(d1)) return sign * std::abs(span);
  if (d1 == 0) return span;  // f = 0, as in an untrained field: the error test decides about the length
  double h = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
  h = std::min(h, std::abs(span));
  x1.flat() = x.flat() + static_cast<S>(sign * h) * f0.flat();
  system(x1, f1, t + sign * h);
  f1.flat() -= f0.flat();
  const double d2 = size(f1) / h, d = std::max(d1, d2);
  const int order = stepper_order(options.stepper);
  double h1 = d <= 1e-15 ? std::max(1e-6, 1e-3 * h) : std::pow(0.01 / d, 1.0 / order);
  if (!(h1 > 0 && std::isfinite(h1))) h1 = kLeastFactor * h;  // the field is not finite after a short step
  return sign * std::min({100 * h, h1, std::abs(span)});
}

template <class S> bool Solver<S>::Impl::out_of_steps(SolveReport& report) const {
  if (report.accepted + report.rejected < options.max_steps) return false;
  report.status = SolveStatus::step_limit;
  return true;
}

// Called once in each step, because a step of a tile takes far longer than reading the clock.
template <class S> void Solver<S>::Impl::check_time(const SolveReport& report) const {
  const double limit = deadline.reached();
  if (limit == 0) return;
  throw TimeLimitReached(
      fmt::format("time limit of {:g} s reached at t = {:.6g} (last step {:.3g}): the field is stiff there, or the "
                  "limit is short; loosen rtol and atol, raise the limit, or use fixed steps",
                  limit, report.t, report.step));
}

// Whether the step is too small to move t, because the field is too steep, or not finite near the start of the step. A
// step over the whole interval is always tried, however short it is. finite: whether the last trial was finite.
template <class S>
bool Solver<S>::Impl::step_vanishes(SolveReport& report, double t, double t1, double h, bool finite) const {
  if (std::abs(h) > 4 * std::numeric_limits<double>::epsilon() * std::max(std::abs(t), std::abs(t1))) return false;
  if (report.accepted + report.rejected == 0 && h == t1 - t) return false;
  finite = finite && std::isfinite(sample_norm(f0.layout(), f0.data()));
  report.status = finite ? SolveStatus::step_underflow : SolveStatus::not_finite;
  report.step = h;
  return true;
}

template <class S> void Solver<S>::Impl::accept(Counted<S>& system, State<S>& x, double t, double t1,
                                                StepObserver<S>* observer, bool know_f1) {
  if (!observer) return;
  AcceptedStep step(*this, system);
  step.t0 = t, step.t1 = t1, step.x0 = &x, step.x1 = &x1;
  if (interpolates() && !know_f1) system(x1, f1, t1);
  if (system.stages) step.rates = stages.all();
  const auto kept = std::exchange(system.stages, nullptr);  // Step::at() may evaluate the system
  observer->accepted(step);
  system.stages = kept;
}

template <class S>
SolveReport Solver<S>::Impl::fixed(Counted<S>& system, State<S>& x, double t0, double t1, StepObserver<S>* observer) {
  SolveReport report;
  stepper->reset();
  const Index n = options.steps;
  auto time = [&](Index i) { return i == n ? t1 : t0 + (t1 - t0) * static_cast<double>(i) / static_cast<double>(n); };
  bool know_f0 = false;
  for (Index i = 0; i < n; ++i) {
    const double t = time(i), end = time(i + 1);
    if (!know_f0 && (stepper->takes_first_rate() || observer)) system(x, f0, t);
    system.begin_step(f0);
    stepper->step(std::ref(system), x, f0, t, end - t, x1, f1, error);
    const bool fsal = stepper->first_same_as_last();
    accept(system, x, t, end, observer, fsal);
    know_f0 = fsal || (observer && interpolates());
    std::swap(x, x1);
    if (know_f0) std::swap(f0, f1);
    ++report.accepted;
    report.t = end, report.step = end - t;
    if (i + 1 < n) check_time(report);
  }
  report.next_step = report.step;
  report.status = std::isfinite(sample_norm(x.layout(), x.data())) ? SolveStatus::success : SolveStatus::not_finite;
  return report;
}

template <class S> SolveReport Solver<S>::Impl::adaptive(Counted<S>& system, State<S>& x, double t0, double t1,
                                                         StepObserver<S>* observer, double first) {
  SolveReport report;
  const double direction = t1 < t0 ? -1 : 1;
  const int order = stepper_order(options.stepper);
  double t = t0;
  system(x, f0, t);
  double h = first != 0 ? direction * std::abs(first) : initial_step(system, x, t, t1 - t0);
  bool grow = true, finite = true;
  report.status = SolveStatus::success;
  while (t != t1) {
    report.t = t;
    if (out_of_steps(report)) break;
    check_time(report);
    // The last step ends exactly at t1. Where two more steps are enough, both get the same length.
    const double left = t1 - t;
    const bool last = std::abs(h) * 1.000001 >= std::abs(left);
    const double wanted = h;
    if (last)
      h = left;
    else if (std::abs(h) * 2 > std::abs(left))
      h = left / 2;
    if (step_vanishes(report, t, t1, h, finite)) break;
    system.begin_step(f0);
    stepper->step(std::ref(system), x, f0, t, h, x1, f1, error);
    finite = std::isfinite(sample_norm(x1.layout(), x1.data()));
    const double e = finite ? scaled(x, x1, error) : std::numeric_limits<double>::infinity();
    finite = std::isfinite(e);
    const double factor = std::clamp(kSafety * std::pow(e, -1.0 / order), kLeastFactor, kMostFactor);
    if (!(e <= 1)) {  // a NaN is rejected
      ++report.rejected;
      h *= finite ? std::min(1.0, factor) : kLeastFactor;
      grow = false;
      continue;
    }
    if (report.accepted++ == 0) report.first_step = std::abs(h);
    const double end = last ? t1 : t + h;
    accept(system, x, t, end, observer, stepper->first_same_as_last());
    report.step = h;
    t = end;
    std::swap(x, x1);
    if (stepper->first_same_as_last() || (observer && interpolates()))
      std::swap(f0, f1);
    else if (t != t1)
      system(x, f0, t);
    h *= grow ? factor : std::min(1.0, factor);
    grow = true;
    if (std::abs(h) < std::abs(wanted) && last) h = wanted;  // a step that was cut to end at t1 does not limit the next
    report.next_step = std::abs(h);
  }
  report.t = t;
  return report;
}

template <class S> SolveReport Solver<S>::Impl::extrapolate(Counted<S>& system, State<S>& x, double t0, double t1,
                                                            StepObserver<S>* observer, double first) {
  SolveReport report;
  const double direction = t1 < t0 ? -1 : 1;
  if (!extrapolation)
    extrapolation =
        std::make_unique<BulirschStoer>(static_cast<S>(options.atol), static_cast<S>(options.rtol), S(1), S(0));
  extrapolation->reset();
  double t = t0;
  system(x, f0, t);
  double h = first != 0 ? direction * std::abs(first) : initial_step(system, x, t, t1 - t0);
  bool finite = true;
  report.status = SolveStatus::success;
  while (t != t1) {
    report.t = t;
    if (out_of_steps(report)) break;
    check_time(report);
    const bool last = std::abs(h) * 1.000001 >= std::abs(t1 - t);
    if (last) h = t1 - t;
    if (step_vanishes(report, t, t1, h, finite)) break;
    double reached = t;
    const double tried = h;
    const auto result = extrapolation->try_step(std::ref(system), x, f0, reached, x1, h);
    finite = std::isfinite(sample_norm(x1.layout(), x1.data()));
    if (result != odeint::success || !finite) {
      ++report.rejected;
      if (!finite || !std::isfinite(h) || std::abs(h) >= std::abs(tried)) h = 0.25 * tried;
      continue;
    }
    if (report.accepted++ == 0) report.first_step = std::abs(tried);
    const double end = last ? t1 : reached;
    accept(system, x, t, end, observer, false);
    report.step = tried;
    t = end;
    std::swap(x, x1);
    if (t != t1) system(x, f0, t);
    report.next_step = std::abs(h);
  }
  report.t = t;
  return report;
}

template <class S> Solver<S>::Solver(const SolverOptions& options) : impl_(std::make_unique<Impl>(options)) {
  options.check();
}
template <class S> Solver<S>::~Solver() = default;
template <class S> Solver<S>::Solver(Solver&&) noexcept = default;
template <class S> Solver<S>& Solver<S>::operator=(Solver&&) noexcept = default;
template <class S> const SolverOptions& Solver<S>::options() const { return impl_->options; }

template <class S> SolveReport Solver<S>::solve(System<S>& system, State<S>& x, double t0, double t1,
                                                StepObserver<S>* observer, double first_step) {
  auto& m = *impl_;
  for (auto* s : {&m.x1, &m.f0, &m.f1, &m.error}) s->resize(x.layout());
  const bool keep = observer && observer->wants_rates() && find_tableau(m.options.stepper);
  Counted<S> counted{&system, keep ? &m.stages : nullptr};
  SolveReport report;
  m.deadline = SolveDeadline();
  if (t0 == t1) {
    report.status = SolveStatus::success, report.t = t1;
  } else if (m.options.steps > 0) {
    report = m.fixed(counted, x, t0, t1, observer);
  } else if (!m.stepper) {
    report = m.extrapolate(counted, x, t0, t1, observer, first_step);
  } else {
    report = m.adaptive(counted, x, t0, t1, observer, first_step);
  }
  report.evaluations = counted.count;
  report.limit = m.options.max_steps;
  return report;
}

template class Solver<float>;
template class Solver<double>;

}  // namespace pathline
