/// \file
/// The trace of the field's Jacobian: exact, or Hutchinson's estimate.
#pragma once

#include "pathline/core/random.hpp"
#include "pathline/field/vector_field.hpp"

namespace pathline {

enum class TraceKind { exact, hutchinson };
enum class ProbeNoise { rademacher, gaussian };

struct TraceOptions {
  TraceKind kind = TraceKind::exact;
  ProbeNoise noise = ProbeNoise::rademacher;
  Index probes = 1;  ///< >= 1: of hutchinson
};

/// The directions of one solve. Probes are drawn once and held for all of it: redrawn at every evaluation they would
/// make the right-hand side a random function, which no step control can follow (torchdiffeq #120). memory holds the
/// probes (d x kB) and outlives the directions.
template <class S> TangentDirections<S> make_tangent_directions(const TraceOptions& options, Index dim, Index batch,
                                                                Engine& engine, Matrix<S>& memory);

/// tr(J), 1 x B, from J E (d x kB): the sum of the diagonal, or Hutchinson's mean_j e_j^T J e_j (Hutchinson 1990;
/// Grathwohl et al. 2019, eq. 7).
template <class S> void trace(const TangentDirections<S>& e, ConstMatrixRef<S> je, MatrixRef<S> out);

/// The transpose: writes the cotangent of J E (d x kB) from that of the trace (1 x B).
template <class S> void trace_pullback(const TangentDirections<S>& e, ConstMatrixRef<S> trace_bar, MatrixRef<S> je_bar);

}  // namespace pathline
