// Shows progress on the standard error.
#pragma once

#include <string>

#include "pathline/core/types.hpp"

namespace pathline {

// Redraws one line five times a second on a terminal; prints a line every half minute elsewhere; nothing if quiet.
class ProgressLine {
 public:
  ProgressLine(bool quiet, std::string what, Index total);
  ~ProgressLine();
  void operator()(Index done);
  // Shows a line at once, on a terminal, for work whose progress is not known.
  void say(const std::string& text);

 private:
  bool on_, terminal_, drawn_ = false;
  std::string what_;
  Index total_;
  double begin_, last_;
};
bool stderr_is_terminal();
// Replaces the last line. The text is cut to the width of the terminal, because a longer line would wrap and remain.
void draw_line(const std::string& text);

}  // namespace pathline
