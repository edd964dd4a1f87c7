// Which base draw goes to which data point in a minibatch.
#pragma once

#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// independent: as drawn. optimal_transport: the assignment of least summed squared distance, exactly (Tong et al. 2023;
// Pooladian et al. 2023), within blocks of `kCouplingBlock` columns, which runs on the threads.
enum class Coupling { independent, optimal_transport };

inline constexpr Index kCouplingBlock = 128;

// partner[i] is the column of `base` (d x N) that goes to column i of `data` (d x N): a permutation within each block.
std::vector<Index> couple(Coupling coupling, ConstMatrixRef<float> base, ConstMatrixRef<float> data);

}  // namespace pathline
