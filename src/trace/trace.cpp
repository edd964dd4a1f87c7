#include "pathline/trace/trace.hpp"

#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "trace/probe_memory.hpp"

namespace pathline {

const std::vector<std::string>& trace_names() {
  static const std::vector<std::string> names = {"exact", "hutchinson"};
  return names;
}
std::string to_string(TraceKind kind) { return trace_names()[static_cast<std::size_t>(kind)]; }

const std::vector<std::string>& probe_noise_names() {
  static const std::vector<std::string> names = {"rademacher", "gaussian"};
  return names;
}
std::string to_string(ProbeNoise noise) { return probe_noise_names()[static_cast<std::size_t>(noise)]; }

void TraceOptions::check() const {
  require(probes >= 1, "probes", probes, ">= 1");
  if (kind == TraceKind::exact && probes != 1)
    throw InputError(fmt::format("probes = {}: applies only to Hutchinson's trace; the exact trace has none", probes));
  if (kind == TraceKind::exact && noise != ProbeNoise::rademacher)
    throw InputError(
        fmt::format("noise = {}: applies only to Hutchinson's trace; the exact trace has no probes", to_string(noise)));
}

void check_probe_memory(const TraceOptions& options, Index dim, Index batch) {
  constexpr double kCopies = 16;  // the probes, their products with the Jacobian at each stage, and those of the layers
  if (options.kind == TraceKind::hutchinson)
    require_memory("probes", options.probes,
                   kCopies * sizeof(float) * static_cast<double>(options.probes) * static_cast<double>(dim * batch));
}

template <class S> TangentDirections<S> make_tangent_directions(const TraceOptions& options, Index dim, Index batch,
                                                                Engine& engine, Matrix<S>& memory) {
  if (options.kind == TraceKind::exact) return TangentDirections<S>::identity(dim);
  options.check();
  memory.resize(dim, options.probes * batch);
  if (options.noise == ProbeNoise::rademacher)
    fill_rademacher<S>(engine, memory);
  else
    fill_normal<S>(engine, memory);
  return {TangentDirections<S>::Kind::probes, options.probes, memory.data()};
}

template <class S> void trace(const TangentDirections<S>& e, ConstMatrixRef<S> je, MatrixRef<S> out) {
  const Index d = je.rows(), batch = out.cols();
  out.setZero();
  if (e.k == 0) return;
  if (e.kind == TangentDirections<S>::Kind::identity) {
    for (Index j = 0; j < d; ++j) out += je.row(j).segment(j * batch, batch);
    return;
  }
  const ConstMatrixMap<S> probes(e.probes, d, e.k * batch);
  for (Index j = 0; j < e.k; ++j)
    out += probes.middleCols(j * batch, batch).cwiseProduct(je.middleCols(j * batch, batch)).colwise().sum();
  out /= static_cast<S>(e.k);
}

template <class S>
void trace_pullback(const TangentDirections<S>& e, ConstMatrixRef<S> trace_bar, MatrixRef<S> je_bar) {
  const Index d = je_bar.rows(), batch = trace_bar.cols();
  if (e.kind == TangentDirections<S>::Kind::identity) {
    je_bar.setZero();
    for (Index j = 0; j < d; ++j) je_bar.row(j).segment(j * batch, batch) = trace_bar;
    return;
  }
  const ConstMatrixMap<S> probes(e.probes, d, e.k * batch);
  const S scale = S(1) / static_cast<S>(e.k);
  for (Index j = 0; j < e.k; ++j)
    je_bar.middleCols(j * batch, batch) =
        (scale * probes.middleCols(j * batch, batch)).array().rowwise() * trace_bar.row(0).array();
}

template <class S> void TraceMethod<S>::evaluate(const VectorField<S>& field, const FieldPoint<S>& x, MatrixRef<S> f,
                                                 MatrixRef<S> p, Workspace<S>& w) const {
  if (closed_form)
    field.value_and_trace(x, f, p, w);
  else
    field.tangents(x, directions, f, p, w);
}

template <class S> void TraceMethod<S>::evaluate_and_pullback(const VectorField<S>& field, const FieldPoint<S>& x,
                                                              CotangentRule<S>& rule, MatrixRef<S> f, MatrixRef<S> p,
                                                              FieldCotangent<S> out, Workspace<S>& w) const {
  if (closed_form)
    field.trace_and_pullback(x, rule, f, p, out, w);
  else
    field.tangents_and_pullback(x, directions, rule, f, p, out, w);
}

template <class S> void TraceMethod<S>::trace(ConstMatrixRef<S> p, MatrixRef<S> out) const {
  if (closed_form)
    out = p;
  else
    pathline::trace<S>(directions, p, out);
}

template <class S> void TraceMethod<S>::pullback(ConstMatrixRef<S> trace_bar, MatrixRef<S> p_bar) const {
  if (closed_form)
    p_bar = trace_bar;
  else
    trace_pullback<S>(directions, trace_bar, p_bar);
}

template <class S> ConstMatrixMap<S> TraceMethod<S>::products(ConstMatrixRef<S> p, Index dim) const {
  return {p.data(), dim, closed_form ? 0 : p.cols()};
}

template <class S> MatrixMap<S> TraceMethod<S>::products(MatrixRef<S> p, Index dim) const {
  return {p.data(), dim, closed_form ? 0 : p.cols()};
}

template <class S> TraceMethod<S> make_trace_method(const TraceOptions& options, const VectorField<S>& field,
                                                    bool needs_jacobian, Index batch, Engine& engine,
                                                    Matrix<S>& memory) {
  if (options.kind == TraceKind::exact && field.has_trace() && !needs_jacobian) return {.closed_form = true};
  return {.directions = make_tangent_directions<S>(options, field.dim(), batch, engine, memory)};
}

#define PATHLINE_INSTANTIATE(S)                                                                                     \
  template TangentDirections<S> make_tangent_directions<S>(const TraceOptions&, Index, Index, Engine&, Matrix<S>&); \
  template void trace<S>(const TangentDirections<S>&, ConstMatrixRef<S>, MatrixRef<S>);                             \
  template void trace_pullback<S>(const TangentDirections<S>&, ConstMatrixRef<S>, MatrixRef<S>);                    \
  template struct TraceMethod<S>;                                                                                   \
  template TraceMethod<S> make_trace_method<S>(const TraceOptions&, const VectorField<S>&, bool, Index, Engine&,    \
                                               Matrix<S>&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
