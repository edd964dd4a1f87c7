// The maps of a flow to the units of the data, and those of its condition.
#include <cassert>

#include "flow/data_side_context.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {
namespace {

template <class T> const T* first_of(const Chain<double>& chain) {
  const auto found = chain.template all<T>();
  return found.empty() ? nullptr : found.front();
}

template <class T> void remove_all(Chain<double>& chain) {
  for (std::size_t i = chain.size(); i-- > 0;)
    if (dynamic_cast<const T*>(&chain[i])) chain.remove(i);
}

}  // namespace

template <class S> void Flow<S>::standardize(const Vector<double>& mean, const Vector<double>& scale) {
  assert(mean.size() == dim());
  const auto affine = data_side.template all<Affine<double>>();
  if (affine.empty())
    data_side.insert(0, std::make_unique<Affine<double>>(mean, scale));
  else
    *affine.front() = Affine<double>(mean, scale);
}

template <class S> Vector<double> Flow<S>::mean() const {
  const auto affine = data_side.template all<Affine<double>>();
  return affine.empty() ? Vector<double>(Vector<double>::Zero(dim())) : affine.front()->mean;
}

template <class S> Vector<double> Flow<S>::scale() const {
  const auto affine = data_side.template all<Affine<double>>();
  return affine.empty() ? Vector<double>(Vector<double>::Ones(dim())) : affine.front()->scale;
}

template <class S> void Flow<S>::set_logit(double alpha) {
  remove_all<Logit<double>>(data_side);
  if (alpha > 0) data_side.add(Logit<double>(dim(), alpha));
}

template <class S> double Flow<S>::logit() const {
  const auto* logit = first_of<Logit<double>>(data_side);
  return logit ? logit->alpha : 0;
}

template <class S> void Flow<S>::set_bounds(const std::optional<Bounds<double>>& bounds) {
  remove_all<Bounds<double>>(data_side);
  if (bounds) data_side.add(*bounds);
}

template <class S> const Bounds<double>* Flow<S>::bounds() const { return first_of<Bounds<double>>(data_side); }

template <class S> void Flow<S>::set_linear(const std::optional<Linear<double>>& linear) {
  remove_all<Linear<double>>(data_side);
  if (!linear) return;
  std::size_t i = 0;  // the index of the affine map
  while (i < data_side.size() && !dynamic_cast<const Affine<double>*>(&data_side[i])) ++i;
  data_side.insert(i < data_side.size() ? i : 0, std::make_unique<Linear<double>>(*linear));
}

template <class S> const Linear<double>* Flow<S>::linear() const { return first_of<Linear<double>>(data_side); }

template <class S>
Matrix<S> Flow<S>::standardized(ConstMatrixRef<double> x, RowVector<double>* log_det, Index first) const {
  Matrix<double> y = x;
  DataSideContext context;
  data_side.apply(Direction::data_to_base, y, log_det, context.at(first));
  return y.template cast<S>();
}

template <class S> Matrix<double> Flow<S>::in_data_units(ConstMatrixRef<double> z, RowVector<double>* log_det) const {
  Matrix<double> y = z;
  DataSideContext context;
  data_side.apply(Direction::base_to_data, y, log_det, context.at(0));
  return y;
}

template <class S> Matrix<S> Flow<S>::standardized_condition(ConstMatrixRef<double> c) const {
  if (c.rows() == 0) return Matrix<S>(0, 0);
  return ((c.colwise() - condition_mean).array().colwise() / condition_scale.array()).template cast<S>();
}

template <class S> Matrix<S> Flow<S>::standardized_condition(ConstMatrixRef<double> c, Index begin, Index batch) const {
  if (c.rows() == 0) return Matrix<S>(0, 0);
  return standardized_condition(c.middleCols(begin, batch));
}

#define PATHLINE_INSTANTIATE(S)                                                                      \
  template void Flow<S>::standardize(const Vector<double>&, const Vector<double>&);                  \
  template Vector<double> Flow<S>::mean() const;                                                     \
  template Vector<double> Flow<S>::scale() const;                                                    \
  template void Flow<S>::set_logit(double);                                                          \
  template double Flow<S>::logit() const;                                                            \
  template void Flow<S>::set_bounds(const std::optional<Bounds<double>>&);                           \
  template const Bounds<double>* Flow<S>::bounds() const;                                            \
  template void Flow<S>::set_linear(const std::optional<Linear<double>>&);                           \
  template const Linear<double>* Flow<S>::linear() const;                                            \
  template Matrix<S> Flow<S>::standardized(ConstMatrixRef<double>, RowVector<double>*, Index) const; \
  template Matrix<double> Flow<S>::in_data_units(ConstMatrixRef<double>, RowVector<double>*) const;  \
  template Matrix<S> Flow<S>::standardized_condition(ConstMatrixRef<double>) const;                  \
  template Matrix<S> Flow<S>::standardized_condition(ConstMatrixRef<double>, Index, Index) const;
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
