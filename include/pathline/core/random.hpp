/// \file
/// Random streams. A stream is a function of (seed, purpose, indices) and never of what ran before it. Therefore a
/// resumed run, or a run on another number of threads, draws the same numbers.
#pragma once

#include <cstdint>
#include <string_view>

#include <boost/random/mersenne_twister.hpp>

#include "pathline/core/types.hpp"

namespace pathline {

using Engine = boost::random::mt19937_64;

/// Returns the engine for one purpose ("batch", "probes", "base") and up to two indices (iteration, tile).
[[nodiscard]] Engine make_stream(std::uint64_t seed, std::string_view purpose, std::uint64_t i = 0,
                                 std::uint64_t j = 0);

/// Each function fills `out` in column order. Normal draws use Boost.Random's ziggurat. All draws are made in double,
/// so that float and double models see the same numbers.
template <class S> void fill_normal(Engine& engine, MatrixRef<S> out);
template <class S> void fill_rademacher(Engine& engine, MatrixRef<S> out);  ///< +1 or -1, each with probability 1/2
template <class S> void fill_uniform(Engine& engine, MatrixRef<S> out);     ///< [0, 1)

double normal(Engine& engine);                                    ///< N(0, 1)
double uniform(Engine& engine, double low = 0, double high = 1);  ///< [low, high)
Index uniform_index(Engine& engine, Index n);                     ///< {0, ..., n - 1}

}  // namespace pathline
