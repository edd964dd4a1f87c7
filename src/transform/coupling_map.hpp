// The maps of single columns that a coupling layer applies, with parameters for each sample.
#pragma once

#include "pathline/core/workspace.hpp"
#include "pathline/transform/transform.hpp"

namespace pathline {

// Arrays of `columns` columns and B samples are columns x B, and their parameters are parameters() x B; all are
// contiguous. A map is y = g(z) with z on the base's side.
template <class S> class CouplingMap {
 public:
  CouplingMap(Index columns, Index batch) : columns(columns), batch(batch) {}
  virtual ~CouplingMap() = default;
  virtual Index parameters() const = 0;
  // Turns the outputs of the conditioner, in place, into what the two functions below read.
  virtual void prepare(S* p) const = 0;
  // Maps x in place and writes log g'(z) of each element, in either direction.
  virtual void apply(Direction direction, S* x, const S* p, S* log_slope, Workspace<S>& w) const = 0;
  // base: z. bar: the cotangents of the result, overwritten by those of the input. log_bar: those of log g'(z), 1 x B.
  // Overwrites p_bar with the cotangents of the conditioner's outputs.
  virtual void pullback(Direction direction, const S* base, const S* p, S* bar, const S* log_bar, S* p_bar,
                        Workspace<S>& w) const = 0;

 protected:
  Index columns, batch;
};

}  // namespace pathline
