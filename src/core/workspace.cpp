#include "pathline/core/workspace.hpp"

#include <algorithm>
#include <new>

namespace pathline {
namespace {
constexpr std::size_t kAlignment = 64;          // bytes; one cache line, one AVX-512 register
constexpr std::size_t kFirstChunk = 1u << 16;   // elements
}  // namespace

template <class S> void Workspace<S>::Free::operator()(S* p) const {
  ::operator delete[](p, std::align_val_t(kAlignment));
}

template <class S> S* Workspace<S>::take(Index count) {
  const std::size_t line = kAlignment / sizeof(S);
  const std::size_t need = (static_cast<std::size_t>(count) + line - 1) / line * line;
  while (chunk_ < chunks_.size() && used_ + need > chunks_[chunk_].size) ++chunk_, used_ = 0;
  if (chunk_ == chunks_.size()) {
    const std::size_t size = std::max(need, std::max(kFirstChunk, chunks_.empty() ? 0 : 2 * chunks_.back().size));
    auto* p = static_cast<S*>(::operator new[](size * sizeof(S), std::align_val_t(kAlignment)));
    chunks_.push_back({std::unique_ptr<S[], Free>(p), size});
    used_ = 0;
  }
  S* p = chunks_[chunk_].data.get() + used_;
  used_ += need;
  return p;
}

template class Workspace<float>;
template class Workspace<double>;

}  // namespace pathline
