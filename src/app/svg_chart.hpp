// A chart of lines as SVG inside of a page: its colours are those of the page's style sheet.
#pragma once

#include <string>
#include <vector>

#include "pathline/app/axis.hpp"

namespace pathline {

struct ChartLine {
  std::string name;
  std::vector<double> x, y;  // a NaN breaks the line
};

// <figure> with the chart and a caption that says which line is which; at most two lines. "" if no line has two points.
std::string svg_chart(const std::string& title, const std::vector<ChartLine>& lines, const std::string& x_name,
                      const std::string& y_name, plot::Scale y_scale = plot::Scale::linear);

}  // namespace pathline
