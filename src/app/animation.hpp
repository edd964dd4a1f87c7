// The frames of an animated flow: density and particles at one time after another.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "app/canvas.hpp"
#include "app/flow_frames.hpp"

namespace pathline {

struct AnimationView {
  std::array<Index, 2> columns{0, 1};  // across and up; the same of a flow with one column
  std::array<std::string, 2> names;
  std::string title;
  int size = 420;         // px: width of a frame, even
  Index particles = 400;  // the most that are drawn
};

// The frame at a time in [0, end], interpolated between the stored frames. For two columns of a flow with more, the
// density is estimated from the particles.
plot::Pixels animation_frame(const FlowFrames& frames, const AnimationView& view, double time);

// The colours that occur in such a frame.
std::vector<plot::Colour> animation_palette();

}  // namespace pathline
