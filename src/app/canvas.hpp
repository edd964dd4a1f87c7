// The page on which panels are drawn, which is the only adapter to Cairo. Lengths are in px, and y points down.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pathline/app/colour_map.hpp"
#include "pathline/core/types.hpp"

namespace pathline::plot {

enum class Format { png, svg, pdf };

struct Point {
  double x, y;
};

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  double right() const { return x + width; }
  double bottom() const { return y + height; }
};

// The position of the anchor point of a text, along and across the text.
enum class Along { start, middle, end };
enum class Across { top, middle, bottom };
enum class Direction { rightward, upward };

struct TextStyle {
  double size = 12;  // px
  bool bold = false;
  Colour colour{0.13, 0.13, 0.13};
  Along along = Along::middle;
  Across across = Across::top;
  Direction direction = Direction::rightward;
};

// The pixels of a page, row by row from the top, each 0xRRGGBB.
struct Pixels {
  int width = 0, height = 0;
  std::vector<std::uint32_t> rgb = {};
};

double text_width(const std::string& text, const TextStyle& style);
double text_height(const TextStyle& style);  // the height of one line

class Canvas {
 public:
  // Makes a white page. scale: pixels of a PNG per px. NumericalError if Cairo cannot make a page of this size.
  Canvas(Format format, double width, double height, double scale, const std::string& title);
  ~Canvas();

  void fill(const Box& box, const Colour& colour);
  void outline(const Box& box, const Colour& colour, double width);
  void line(const std::vector<Point>& points, const Colour& colour, double width);
  void dashed(const std::vector<Point>& points, const Colour& colour, double width);
  // Fills what the loops enclose; a loop inside another one is a hole.
  void area(const std::vector<std::vector<Point>>& loops, const Colour& colour);
  void dot(const Point& centre, double radius, const Colour& colour);
  // Many dots, in a tenth of the bytes that as many calls of dot() would need in an SVG. A few neighbours in the order
  // are drawn at once: where these overlap, a colour that is not opaque is no darker.
  void dots(const std::vector<Point>& centres, double radius, const Colour& colour);
  void text(const Point& anchor, const std::string& text, const TextStyle& style);

  // nx x ny cells of equal size fill the box; cell (0, 0) is the lower left. Cells too small to be seen are blended.
  void cells(const Box& box, const Matrix<Colour>& colours);

  // Runs draw() and clips what falls outside of the box.
  void clipped(const Box& box, const std::function<void()>& draw);

  // The page as it is now; of a PNG alone.
  Pixels pixels() const;

  // Returns the bytes of the file. Nothing can be drawn afterwards.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pathline::plot
