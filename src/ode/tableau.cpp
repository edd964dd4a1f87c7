#include "pathline/ode/tableau.hpp"

#include <boost/numeric/odeint/stepper/runge_kutta_cash_karp54.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_fehlberg78.hpp>

namespace pathline {
namespace {

namespace odeint = boost::numeric::odeint;

template <class Row> std::vector<double> row(const Row& values) { return {values.begin(), values.end()}; }

// The coefficients are those of Odeint, so that the adjoint reverses exactly the steps that were made.
Tableau make_cash_karp() {
  return {{{},
           row(odeint::rk54_ck_coefficients_a1<double>()),
           row(odeint::rk54_ck_coefficients_a2<double>()),
           row(odeint::rk54_ck_coefficients_a3<double>()),
           row(odeint::rk54_ck_coefficients_a4<double>()),
           row(odeint::rk54_ck_coefficients_a5<double>())},
          row(odeint::rk54_ck_coefficients_b<double>()),
          row(odeint::rk54_ck_coefficients_c<double>())};
}

Tableau make_fehlberg78() {
  return {{{},
           row(odeint::rk78_coefficients_a1<double>()),
           row(odeint::rk78_coefficients_a2<double>()),
           row(odeint::rk78_coefficients_a3<double>()),
           row(odeint::rk78_coefficients_a4<double>()),
           row(odeint::rk78_coefficients_a5<double>()),
           row(odeint::rk78_coefficients_a6<double>()),
           row(odeint::rk78_coefficients_a7<double>()),
           row(odeint::rk78_coefficients_a8<double>()),
           row(odeint::rk78_coefficients_a9<double>()),
           row(odeint::rk78_coefficients_a10<double>()),
           row(odeint::rk78_coefficients_a11<double>()),
           row(odeint::rk78_coefficients_a12<double>())},
          row(odeint::rk78_coefficients_b<double>()),
          row(odeint::rk78_coefficients_c<double>())};
}

}  // namespace

const Tableau* find_tableau(StepperKind kind) {
  static const Tableau euler{{{}}, {1}, {0}};
  // Two substeps of Gragg's method with its smoothing (Hairer, Norsett, Wanner I, II.9), written as one step.
  static const Tableau midpoint{{{}, {1. / 2}, {0, 1}}, {1. / 4, 1. / 2, 1. / 4}, {0, 1. / 2, 1}};
  static const Tableau rk4{
      {{}, {1. / 2}, {0, 1. / 2}, {0, 0, 1}}, {1. / 6, 1. / 3, 1. / 3, 1. / 6}, {0, 1. / 2, 1. / 2, 1}};
  // Dormand & Prince 1980; Hairer, Norsett, Wanner I, table II.5.2.
  static const Tableau dopri5{{{},
                               {1. / 5},
                               {3. / 40, 9. / 40},
                               {44. / 45, -56. / 15, 32. / 9},
                               {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
                               {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656}},
                              {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
                              {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1}};
  static const Tableau cash_karp = make_cash_karp(), fehlberg78 = make_fehlberg78();
  switch (kind) {
    case StepperKind::euler: return &euler;
    case StepperKind::midpoint: return &midpoint;
    case StepperKind::rk4: return &rk4;
    case StepperKind::dopri5: return &dopri5;
    case StepperKind::cash_karp: return &cash_karp;
    case StepperKind::fehlberg78: return &fehlberg78;
    default: return nullptr;
  }
}

}  // namespace pathline
