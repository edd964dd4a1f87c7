#include "pathline/ode/state.hpp"

#include <cmath>
#include <limits>

namespace pathline {

template <class S> double sample_norm(const StateLayout& layout, const S* x) {
  Index components = 0;
  for (std::size_t i = 0; i < layout.normed; ++i) components += layout.rows[i];
  if (components == 0) return 0;
  double largest = 0;
  for (Index b = 0; b < layout.batch; ++b) {
    double squares = 0;
    const S* block = x;
    for (std::size_t i = 0; i < layout.normed; ++i) {
      const Index rows = layout.rows[i];
      for (Index r = 0; r < rows; ++r) {
        const double v = static_cast<double>(block[b * rows + r]);
        squares += v * v;
      }
      block += rows * layout.batch;
    }
    if (!std::isfinite(squares)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, squares);
  }
  return std::sqrt(largest / static_cast<double>(components));
}

template double sample_norm<float>(const StateLayout&, const float*);
template double sample_norm<double>(const StateLayout&, const double*);

}  // namespace pathline
