#include "pathline/ode/augmented.hpp"

namespace pathline {

template <class S> StateLayout Augmented<S>::layout(Index dim, Index batch, bool with_density, bool with_integrand) {
  if (!with_density) return {batch, {dim}, 1};
  if (!with_integrand) return {batch, {dim, 1}, 2};
  return {batch, {dim, 1, 1}, 2};
}

template <class S> void Augmented<S>::rates(double t, const State<S>& x, State<S>& dxdt) {
  const FieldPoint<S> point{t, x.block(0), c_};
  const std::size_t blocks = x.layout().rows.size();
  if (blocks == 1) {
    field_.value(point, dxdt.block(0), workspace_);
    return;
  }
  typename Workspace<S>::Frame frame(workspace_);
  auto p = workspace_.matrix(method_.rows(point.dim()), method_.cols(point.batch()));
  const bool potential = integrand_ && integrand_->needs_potential();
  auto f = workspace_.matrix(point.dim() + potential, potential ? point.batch() : 0);
  if (potential) {
    method_.evaluate(field_, point, f, p, workspace_);
    dxdt.block(0) = f.topRows(point.dim());
  } else {
    method_.evaluate(field_, point, dxdt.block(0), p, workspace_);
  }
  auto l = dxdt.block(1);
  method_.trace(p, l);
  l = -l;
  if (blocks == 2) return;
  auto r = dxdt.block(2);
  const auto je = method_.products(ConstMatrixRef<S>(p), point.dim());
  if (potential)
    integrand_->value(method_.directions, f, je, r);
  else
    integrand_->value(method_.directions, dxdt.block(0), je, r);
  r *= sign_;
}

template class Augmented<float>;
template class Augmented<double>;

}  // namespace pathline
