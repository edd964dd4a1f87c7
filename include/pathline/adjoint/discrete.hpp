// The discrete adjoint: the exact reverse of the accepted Runge-Kutta steps, so the exact gradient of what was computed
// at any tolerance.
#pragma once

#include "pathline/flow/flow.hpp"

namespace pathline {

struct GradientOptions {
  SolverOptions solver;  // a stepper with a tableau: euler, midpoint, rk4, dopri5
  TraceOptions trace;
  std::uint64_t seed = 0;       // of the probes
  std::uint64_t iteration = 0;  // of the probes
  Index tile = 50;              // samples solved together
};

// Of the mean negative log-likelihood of a batch, nats.
struct NllGradient {
  double nll = 0;
  Vector<double> theta;      // P: dNLL/dtheta
  double end_time = 0;       // dNLL/dT, with the steps' fractions of T held
  Matrix<double> z;          // d x N: dNLL/dz at the data end, in standardized units
  SolveReport report;        // forward, sums over the tiles
  Index backward_evaluations = 0;  // evaluations with their pullback
};

// x: d x N, c: dc x N. Tiles run on the threads; their gradients are added in tile order, so the result is bitwise the
// same on any number. NumericalError with advice if a solve fails; InputError for a stepper without a tableau.
template <class S>
NllGradient nll_gradient(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                         const GradientOptions& options = {});

extern template NllGradient nll_gradient<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                const GradientOptions&);
extern template NllGradient nll_gradient<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                 const GradientOptions&);

}  // namespace pathline
