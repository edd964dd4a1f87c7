// Progress on stderr.
#pragma once

#include <string>

#include "pathline/core/types.hpp"

namespace pathline {

// One line on stderr that is drawn anew; nothing if quiet or not a terminal.
class ProgressLine {
 public:
  ProgressLine(bool quiet, std::string what, Index total);
  ~ProgressLine();
  void operator()(Index done);

 private:
  bool on_;
  std::string what_;
  Index total_;
  double last_ = 0;
};
bool stderr_is_terminal();
// In the place of the last, cut to the terminal's width: a longer one would wrap, and stay.
void draw_line(const std::string& text);

}  // namespace pathline
