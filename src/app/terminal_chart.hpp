// A chart of characters, for a terminal.
#pragma once

#include <string>
#include <vector>

namespace pathline {

enum class Dots { braille, ascii };

struct TerminalLine {
  std::string name;
  std::vector<double> x, y;  // what is not finite is left out
};

// `height` lines of at most `width` characters: the labels of y, the lines, and below them the ends of x. Several lines
// share the axes. With Dots::braille, each character has 2 x 4 dots (Unicode, block U+2800). "" lines if there is
// nothing to draw. width >= 20, height >= 4.
std::vector<std::string> terminal_chart(const std::vector<TerminalLine>& lines, int width, int height, Dots dots);

}  // namespace pathline
