#include "pathline/field/vector_field.hpp"

#include <cassert>

namespace pathline {

template <class S> void Seeds<S>::write(Index dim, Index batch, MatrixRef<S> e) const {
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
  parameters_.push_back({name, rows, cols, offset, decays});
  theta_.conservativeResize(offset + rows * cols);
  theta_.tail(rows * cols).setZero();
  return offset;
}

template <class S>
void VectorField<S>::tangents_and_pullback(const FieldPoint<S>& x, const Seeds<S>& e, CotangentRule<S>& rule,
                                           MatrixRef<S> f, MatrixRef<S> je, FieldCotangent<S> out,
                                           Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  auto f_bar = w.matrix(f.rows(), x.batch());
  auto je_bar = w.matrix(dim_, e.k * x.batch());
  tangents(x, e, f, je, w);
  rule(f, je, f_bar, je_bar);
  pullback(x, e, f_bar, je_bar, out, w);
}

template class VectorField<float>;
template class VectorField<double>;
template struct Seeds<float>;
template struct Seeds<double>;

}  // namespace pathline
