/// \file
/// The pairing of base draws with data points in a minibatch.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// independent keeps the pairs as drawn. optimal_transport computes the exact assignment with the smallest sum of
/// squared distances (Tong et al. 2023; Pooladian et al. 2023) within blocks of `kCouplingBlock` columns, which run in
/// parallel.
enum class Coupling { independent, optimal_transport };
[[nodiscard]] const std::vector<std::string>& coupling_names();  ///< independent, ot

inline constexpr Index kCouplingBlock = 128;

/// Returns a permutation within each block: element i is the column of `base` (d x N) that is paired with column i of
/// `data` (d x N). threads: >= 0, 0: one per core.
[[nodiscard]] std::vector<Index> couple(Coupling coupling, ConstMatrixRef<float> base, ConstMatrixRef<float> data,
                                        int threads = 1);

}  // namespace pathline
