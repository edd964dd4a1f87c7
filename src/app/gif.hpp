// An animated GIF, frame by frame. The only adapter to giflib.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/canvas.hpp"

namespace pathline::plot {

class Gif {
 public:
  // palette: 2 to 255 colours, of which each pixel takes the nearest. The animation repeats for ever.
  Gif(int width, int height, const std::vector<Colour>& palette);
  ~Gif();

  // The frame is shown for so many hundredths of a second. Pixels that are as in the frame before take hardly any
  // space.
  void add(const Pixels& frame, int hundredths);

  // The bytes of the file. Nothing can be added afterwards. NumericalError if giflib fails.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pathline::plot
