/// \file
/// The trace of the field's Jacobian: exact, or Hutchinson's estimate.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/field/vector_field.hpp"

namespace pathline {

enum class TraceKind { exact, hutchinson };
[[nodiscard]] std::string to_string(TraceKind kind);
[[nodiscard]] const std::vector<std::string>& trace_names();

/// The distribution of Hutchinson's probes.
enum class ProbeNoise { rademacher, gaussian };
[[nodiscard]] std::string to_string(ProbeNoise noise);
[[nodiscard]] const std::vector<std::string>& probe_noise_names();

struct TraceOptions {
  TraceKind kind = TraceKind::exact;
  ProbeNoise noise = ProbeNoise::rademacher;  ///< of hutchinson
  Index probes = 1;                           ///< >= 1: number of probes per sample, of hutchinson

  /// Throws InputError for probes < 1, and for a number or a noise of probes with the exact trace, which has none.
  void check() const;
};

/// The directions of one solve. Probes are drawn once and kept for the whole solve: redrawn at every evaluation they would
/// make the right-hand side a random function, which no step control can follow (torchdiffeq #120). memory holds the
/// probes (d x kB) and outlives the directions.
template <class S> [[nodiscard]] TangentDirections<S> make_tangent_directions(const TraceOptions& options, Index dim,
                                                                              Index batch, Engine& engine,
                                                                              Matrix<S>& memory);

/// tr(J), 1 x B, from J E (d x kB): the sum of the diagonal, or Hutchinson's mean_j e_j^T J e_j (Hutchinson 1990;
/// Grathwohl et al. 2019, eq. 7).
template <class S> void trace(const TangentDirections<S>& e, ConstMatrixRef<S> je, MatrixRef<S> out);

/// The transpose: writes the cotangent of J E (d x kB) from that of the trace (1 x B).
template <class S> void trace_pullback(const TangentDirections<S>& e, ConstMatrixRef<S> trace_bar, MatrixRef<S> je_bar);

/// What a solve computes of the Jacobian beside f, called its product `p` here: nothing, J E along directions (d x kB),
/// or the exact trace itself (1 x B) by the field's closed form.
template <class S> struct TraceMethod {
  TangentDirections<S> directions = {};  ///< k = 0 with the closed form
  bool closed_form = false;              ///< only for a field with VectorField::has_trace

  bool any() const { return closed_form || directions.k > 0; }
  Index rows(Index dim) const { return closed_form ? 1 : dim; }                       ///< of p
  Index cols(Index batch) const { return (closed_form ? 1 : directions.k) * batch; }  ///< of p
  /// Writes f and p.
  void evaluate(const VectorField<S>& field, const FieldPoint<S>& x, MatrixRef<S> f, MatrixRef<S> p,
                Workspace<S>& w) const;
  /// As VectorField::tangents_and_pullback, with p in place of J E.
  void evaluate_and_pullback(const VectorField<S>& field, const FieldPoint<S>& x, CotangentRule<S>& rule,
                             MatrixRef<S> f, MatrixRef<S> p, FieldCotangent<S> out, Workspace<S>& w) const;
  void trace(ConstMatrixRef<S> p, MatrixRef<S> out) const;               ///< writes the trace, 1 x B, from p
  void pullback(ConstMatrixRef<S> trace_bar, MatrixRef<S> p_bar) const;  ///< its transpose: writes p_bar
  /// p as J E along `directions`: without columns if there is no J E.
  ConstMatrixMap<S> products(ConstMatrixRef<S> p, Index dim) const;
  MatrixMap<S> products(MatrixRef<S> p, Index dim) const;
};

/// The method of one solve: the closed form for an exact trace where the field has one, unless J E itself is needed.
/// memory holds the probes, as for make_tangent_directions.
template <class S> [[nodiscard]] TraceMethod<S> make_trace_method(const TraceOptions& options,
                                                                  const VectorField<S>& field, bool needs_jacobian,
                                                                  Index batch, Engine& engine, Matrix<S>& memory);

}  // namespace pathline
