// A flow at evenly spaced times: its particles, its density and its velocity, for a report and an animation.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/smooth_density.hpp"
#include "pathline/app/axis.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {

struct FlowFrameOptions {
  Index frames = 33;          // >= 2: times from 0 to the end, both included
  Index particles = 500;      // >= 1
  Index cells = 72;           // per side of the grids of the density; 0: no density
  Index velocity_cells = 40;  // per side of the grids of the velocity; 0: no velocity
  std::uint64_t seed = 0;
};

struct FlowFrames {
  std::vector<double> times;              // of a flow without ODEs: the parts of the way, up to 1
  std::vector<Matrix<double>> particles;  // at each time, d x n in the units of the data
  std::vector<plot::Range> ranges;        // of each column, over all times: 99.6 % of the particles, and a margin
  std::vector<plot::Ends> ends;           // of each column
  // At each time, 1 x cells^d, the first column fastest: of a flow with one or two columns. -infinity where the density
  // is 0 or cannot be computed.
  std::vector<RowVector<double>> log_density;
  // At each time, 2 x cells^2: of a flow with two columns that is smooth everywhere, or empty.
  std::vector<Matrix<double>> velocity;
};

// Says why nothing moves; "" if a particle moves by a thousandth of a range or more.
std::string note_of_rest(const FlowFrames& frames);

// condition: dc x 1, or no rows. progress is called with the part that is done, in [0, 1]. The particles of a flow in
// closed form, or of an ensemble, move as particle_paths says. InputError for such a flow of one or two columns: it has
// no density in between.
template <class S> FlowFrames flow_frames(const Flow<S>& flow, const FlowFrameOptions& options,
                                          const Matrix<double>& condition, int threads,
                                          const std::function<void(double)>& progress);

extern template FlowFrames flow_frames<float>(const Flow<float>&, const FlowFrameOptions&, const Matrix<double>&, int,
                                              const std::function<void(double)>&);
extern template FlowFrames flow_frames<double>(const Flow<double>&, const FlowFrameOptions&, const Matrix<double>&, int,
                                               const std::function<void(double)>&);

}  // namespace pathline
