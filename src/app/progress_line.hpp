// Progress on stderr.
#pragma once

#include <string>

#include "pathline/core/types.hpp"

namespace pathline {

// On a terminal, one line that is drawn anew five times a second; elsewhere a line every half minute; nothing if quiet.
class ProgressLine {
 public:
  ProgressLine(bool quiet, std::string what, Index total);
  ~ProgressLine();
  void operator()(Index done);

 private:
  bool on_, terminal_, drawn_ = false;
  std::string what_;
  Index total_;
  double begin_, last_;
};
bool stderr_is_terminal();
// In the place of the last, cut to the terminal's width: a longer one would wrap, and stay.
void draw_line(const std::string& text);

}  // namespace pathline
