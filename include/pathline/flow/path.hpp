/// \file
/// The equations of a flow along the paths of samples: the state, the log-density, the trace and the adjoint.
#pragma once

#include <vector>

#include "pathline/flow/flow.hpp"

namespace pathline {

/// What follow_paths gives at each of its K times.
struct Paths {
  std::vector<Matrix<double>> points;  ///< z(t), d x N, in the units of the data
  Matrix<double> log_prob;             ///< K x N: l(t) = log p_t(z(t)), nats, of the data's units
  Matrix<double> trace;                ///< K x N: tr(df/dz), in the coordinates of the field and on the flow's clock
  /// a(t), d x N, in the units of the data; no matrices unless they were asked for
  std::vector<Matrix<double>> adjoint;
  SolveReport report;
  double nfe = 0;  ///< number of field evaluations: mean over the tiles, summed over the blocks
};

/// Solves, from latent points z0 (d x N) at t = 0 to the end of the flow,
///
///     dz/dt = f(t, z),   dl/dt = -tr(df/dz),   da/dt = -(df/dz)^T a - grad tr(df/dz),
///
/// with a(0) = grad log p0(z0), and records all of them at the K times, which increase within [0, end_time()]. Here
/// a(t) = d log p / dz(t) is the adjoint of the solve that evaluates log p(x): the loss log p0(z(0)) - integral of the
/// trace over [0, t] as a function of z(t) (Chen et al. 2018, eq. 4 and appendix B). It equals the score
/// grad log p_t at z(t), so at the end it is Flow::score. A transform without duration acts as in Chain::apply_between.
/// At a time between two blocks the trace is that of the earlier block.
///
/// Throws InputError for a flow that takes no time, one with periodic columns (whose density is a sum over paths), and
/// for times or arrays that do not fit; NumericalError with advice if a solve fails.
template <class S> [[nodiscard]] Paths follow_paths(const Flow<S>& flow, const Matrix<S>& z0,
                                                    const std::vector<double>& times, bool adjoint = false,
                                                    const EvaluationOptions& options = {},
                                                    ConstMatrixRef<double> c = Matrix<double>(0, 0));

/// The velocity dx/dt = f of the flow at points x (d x N) and a time in [0, end_time()], in the units of the data.
/// Between two blocks it is that of the earlier one. Throws InputError for a flow without a continuous block.
template <class S> [[nodiscard]] Matrix<double> velocity_at(const Flow<S>& flow, double t, ConstMatrixRef<double> x,
                                                            ConstMatrixRef<double> c = Matrix<double>(0, 0));

#define PATHLINE_DECLARE(S)                                                                                 \
  extern template Paths follow_paths<S>(const Flow<S>&, const Matrix<S>&, const std::vector<double>&, bool, \
                                        const EvaluationOptions&, ConstMatrixRef<double>);                  \
  extern template Matrix<double> velocity_at<S>(const Flow<S>&, double, ConstMatrixRef<double>, ConstMatrixRef<double>);
PATHLINE_DECLARE(float)
PATHLINE_DECLARE(double)
#undef PATHLINE_DECLARE

}  // namespace pathline
