#include "pathline/transform/transform.hpp"

#include "transform/solve_scratch.hpp"

namespace pathline {

template <class S> TransformScratch<S>::TransformScratch() = default;
template <class S> TransformScratch<S>::~TransformScratch() = default;
template <class S> TransformScratch<S>::TransformScratch(TransformScratch&&) noexcept = default;
template <class S> TransformScratch<S>& TransformScratch<S>::operator=(TransformScratch&&) noexcept = default;

template <class S> SolveScratch<S>& TransformScratch<S>::solves() {
  if (!solves_) solves_ = std::make_unique<SolveScratch<S>>();
  return *solves_;
}

template class TransformScratch<float>;
template class TransformScratch<double>;

}  // namespace pathline
