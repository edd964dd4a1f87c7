#include "pathline/flow/cnf.hpp"

namespace pathline {

template <class S> void Augmented<S>::rates(double t, const State<S>& x, State<S>& dxdt) {
  const FieldPoint<S> point{t, x.block(0), c_};
  if (x.layout().rows.size() == 1) {
    field_.value(point, dxdt.block(0), workspace_);
    return;
  }
  typename Workspace<S>::Frame frame(workspace_);
  auto je = workspace_.matrix(point.dim(), seeds_.k * point.batch());
  field_.tangents(point, seeds_, dxdt.block(0), je, workspace_);
  auto l = dxdt.block(1);
  trace<S>(seeds_, je, l);
  l = -l;
}

template class Augmented<float>;
template class Augmented<double>;

}  // namespace pathline
