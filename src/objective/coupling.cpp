#include "pathline/objective/coupling.hpp"

#include <cassert>
#include <numeric>

#include "objective/assignment.hpp"
#include "pathline/core/parallel.hpp"

namespace pathline {

const std::vector<std::string>& coupling_names() {
  static const std::vector<std::string> names = {"independent", "ot"};
  return names;
}

std::vector<Index> couple(Coupling coupling, ConstMatrixRef<float> base, ConstMatrixRef<float> data,
                          int threads) {
  assert(base.rows() == data.rows() && base.cols() == data.cols());
  const Index n = data.cols();
  std::vector<Index> partner(static_cast<std::size_t>(n));
  std::iota(partner.begin(), partner.end(), 0);
  if (coupling == Coupling::independent) return partner;
  parallel_for((n + kCouplingBlock - 1) / kCouplingBlock, threads, [&](Index block, int) {
    const Index begin = block * kCouplingBlock, size = std::min(kCouplingBlock, n - begin);
    Matrix<double> cost(size, size);  // between data i and base j
    for (Index i = 0; i < size; ++i)
      for (Index j = 0; j < size; ++j)
        cost(i, j) = static_cast<double>((data.col(begin + i) - base.col(begin + j)).squaredNorm());
    const auto assigned = solve_assignment(cost);
    for (Index i = 0; i < size; ++i)
      partner[static_cast<std::size_t>(begin + i)] = begin + assigned[static_cast<std::size_t>(i)];
  });
  return partner;
}

}  // namespace pathline
