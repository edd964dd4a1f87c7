#include "pathline/field/vector_field.hpp"

#include <cassert>
#include <limits>

#include <fmt/format.h>

#include "core/checked_product.hpp"
#include "pathline/core/error.hpp"

namespace pathline {

namespace {

// je: d x dB, J applied to the identity directions. Writes the sum of its diagonal, 1 x B.
template <class S> void sum_diagonal(ConstMatrixRef<S> je, MatrixRef<S> trace) {
  trace.setZero();
  for (Index j = 0; j < je.rows(); ++j) trace += je.row(j).segment(j * trace.cols(), trace.cols());
}

// Writes the cotangent of the trace as that of the diagonal of J.
template <class S> class DiagonalCotangents final : public CotangentRule<S> {
 public:
  DiagonalCotangents(CotangentRule<S>& of_trace, MatrixRef<S> trace, Workspace<S>& w)
      : of_trace_(of_trace), trace_(trace), w_(w) {}
  void operator()(ConstMatrixRef<S> f, ConstMatrixRef<S> je, MatrixRef<S> f_bar, MatrixRef<S> je_bar) override {
    typename Workspace<S>::Frame frame(w_);
    const Index batch = f.cols();
    auto trace_bar = w_.matrix(1, batch);
    sum_diagonal<S>(je, trace_);
    of_trace_(f, trace_, f_bar, trace_bar);
    je_bar.setZero();
    for (Index j = 0; j < je.rows(); ++j) je_bar.row(j).segment(j * batch, batch) = trace_bar;
  }

 private:
  CotangentRule<S>& of_trace_;
  MatrixRef<S> trace_;
  Workspace<S>& w_;
};

}  // namespace

template <class S> void TangentDirections<S>::write(Index dim, Index batch, MatrixRef<S> e) const {
  assert(e.rows() == dim && e.cols() == k * batch);
  if (kind == Kind::probes) {
    e = ConstMatrixMap<S>(probes, dim, k * batch);
    return;
  }
  e.setZero();
  for (Index j = 0; j < k; ++j) e.row(j).segment(j * batch, batch).setOnes();
}

template <class S> void VectorField<S>::set_theta(ConstVectorRef<S> theta) {
  assert(theta.size() == theta_.size());
  theta_ = theta;
  theta_changed();
}

template <class S> Index VectorField<S>::add_parameter(const std::string& name, Index rows, Index cols, bool decays) {
  const Index offset = theta_.size();
  if (const auto size = checked_product({rows, cols}); !size || *size > std::numeric_limits<Index>::max() / 64 - offset)
    throw InputError(fmt::format("{}: {} x {} parameters are more than can be counted; use narrower layers", name, rows,
                                 cols));
  parameters_.push_back({name, rows, cols, offset, decays});
  theta_.conservativeResize(offset + rows * cols);
  theta_.tail(rows * cols).setZero();
  return offset;
}

template <class S> void VectorField<S>::tangents_and_pullback(const FieldPoint<S>& x, const TangentDirections<S>& e,
                                                              CotangentRule<S>& rule, MatrixRef<S> f, MatrixRef<S> je,
                                                              FieldCotangent<S> out, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  auto f_bar = w.matrix(f.rows(), x.batch());
  auto je_bar = w.matrix(dim_, e.k * x.batch());
  tangents(x, e, f, je, w);
  rule(f, je, f_bar, je_bar);
  pullback(x, e, f_bar, je_bar, out, w);
}

template <class S> void VectorField<S>::value_and_trace(const FieldPoint<S>& x, MatrixRef<S> f, MatrixRef<S> trace,
                                                        Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  auto je = w.matrix(dim_, dim_ * x.batch());
  tangents(x, TangentDirections<S>::identity(dim_), f, je, w);
  sum_diagonal<S>(je, trace);
}

template <class S> void VectorField<S>::trace_and_pullback(const FieldPoint<S>& x, CotangentRule<S>& rule,
                                                           MatrixRef<S> f, MatrixRef<S> trace, FieldCotangent<S> out,
                                                           Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  auto je = w.matrix(dim_, dim_ * x.batch());
  DiagonalCotangents<S> diagonal(rule, trace, w);
  tangents_and_pullback(x, TangentDirections<S>::identity(dim_), diagonal, f, je, out, w);
}

template class VectorField<float>;
template class VectorField<double>;
template struct TangentDirections<float>;
template struct TangentDirections<double>;

}  // namespace pathline
