// Limits the sizes that a model file may state: no more parameters than its bytes can hold, before memory is allocated.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/checked_product.hpp"
#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/field/potential_field.hpp"
#include "pathline/flow/base.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/transform/coupling_layer.hpp"

namespace pathline {

class SizeBudget {
 public:
  SizeBudget(const std::string& file, Index file_bytes) : file_(file), left_(std::max<Index>(file_bytes, 1 << 20)) {}
  SizeBudget(const std::string& file, const Hdf5Group& in) : SizeBudget(file, in.file_bytes()) {}

  // An array of these sizes. Throws InputError "FILE: WHAT: ..." if the file cannot hold all that were taken. what: the
  // attributes that state the sizes.
  void take(const std::string& what, std::initializer_list<Index> sizes) {
    const auto values = checked_product(sizes);
    if (!values || *values > left_)
      throw InputError(fmt::format("{}: {}: an array of {} numbers, more than the file contains", file_, what,
                                   fmt::join(sizes, " x ")));
    left_ -= *values;
  }

  // The weights of the layers of so many networks.
  void take_layers(const std::string& what, const MlpOptions& o, Index networks = 1) {
    Index in = o.dim;
    for (const Index out : o.hidden)
      take(what, {networks, out, in}), take(what, {networks, out, o.condition_dim}), in = out;
    take(what, {networks, o.dim, in}), take(what, {networks, o.dim, o.condition_dim});
  }

  void take_potential(const std::string& what, const PotentialFieldOptions& o) {
    const Index inputs = o.dim + o.condition_dim + 1;
    take(what, {o.width, inputs}), take(what, {o.width, o.width, o.layers - 1}), take(what, {o.layers});
    take(what, {std::min(o.rank, inputs), inputs});
  }

  // The network of a coupling layer, with the columns that it moves.
  void take_coupling(const std::string& what, const CouplingOptions& o) {
    const Index moved = std::ssize(o.moved);
    Index in = o.dim - std::min(o.dim, moved) + o.condition_dim;
    for (const Index out : o.hidden) take(what, {out, in + 1}), in = out;
    take(what, {moved, o.kind == CouplingKind::spline ? 3 * std::min<Index>(o.bins, 1 << 20) : 2, in + 1});
  }

  // Limits the work that a small file can demand.
  void check_steps(Index steps) const {
    constexpr Index kMost = 10'000'000;
    if (steps > kMost) throw InputError(fmt::format("{}: steps = {}: must be <= {}", file_, steps, kMost));
  }

  void take_base(BaseKind kind, Index dim, Index components, Index condition_dim) {
    const std::string what = "base: components";
    const bool full = kind == BaseKind::full_mixture || kind == BaseKind::conditional_mixture;
    if (kind == BaseKind::conditional_mixture) dim += condition_dim;
    if (kind == BaseKind::mixture || full) take(what, {components, dim});
    if (full) take(what, {components, dim, (dim + 1) / 2});
    if (kind == BaseKind::full) take(what, {dim, dim});
  }

 private:
  std::string file_;
  Index left_;
};

}  // namespace pathline
