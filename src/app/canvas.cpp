#include "app/canvas.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <numbers>
#include <utility>

#include <cairo/cairo-pdf.h>
#include <cairo/cairo-svg.h>
#include <cairo/cairo.h>

#include "core/printable.hpp"
#include "pathline/core/error.hpp"

namespace pathline::plot {
namespace {

constexpr double kPointsPerPx = 0.75;  // an inch has 72 points and 96 px
constexpr double kSeenCell = 3;        // px; smaller cells of a PNG are blended

struct Free {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(cairo_t* context) const { cairo_destroy(context); }
  void operator()(cairo_font_options_t* options) const { cairo_font_options_destroy(options); }
};
using Surface = std::unique_ptr<cairo_surface_t, Free>;
using Context = std::unique_ptr<cairo_t, Free>;

void check(cairo_status_t status) {
  if (status != CAIRO_STATUS_SUCCESS)
    throw NumericalError(std::string("cannot draw the figure: ") + cairo_status_to_string(status));
}

cairo_status_t append(void* bytes, const unsigned char* data, unsigned int length) {
  try {
    static_cast<std::string*>(bytes)->append(reinterpret_cast<const char*>(data), length);
  } catch (const std::bad_alloc&) {  // no exception may pass through Cairo, which is C
    return CAIRO_STATUS_NO_MEMORY;
  }
  return CAIRO_STATUS_SUCCESS;
}

Surface make_surface(Format format, double width, double height, double scale, const std::string& title,
                     std::string* bytes) {
  switch (format) {
    case Format::png: {
      Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(std::lround(width * scale)),
                                                 static_cast<int>(std::lround(height * scale))));
      check(cairo_surface_status(surface.get()));
      cairo_surface_set_device_scale(surface.get(), scale, scale);
      return surface;
    }
    case Format::svg: {
      Surface surface(cairo_svg_surface_create_for_stream(append, bytes, width, height));
      check(cairo_surface_status(surface.get()));
      cairo_svg_surface_set_document_unit(surface.get(), CAIRO_SVG_UNIT_PX);
      return surface;
    }
    case Format::pdf:
      break;
  }
  Surface surface(cairo_pdf_surface_create_for_stream(append, bytes, width * kPointsPerPx, height * kPointsPerPx));
  check(cairo_surface_status(surface.get()));
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_TITLE, title.c_str());
  cairo_surface_set_device_scale(surface.get(), kPointsPerPx, kPointsPerPx);
  return surface;
}

// Makes font metrics independent of the format and the scale.
void set_font(cairo_t* context, const TextStyle& style) {
  const std::unique_ptr<cairo_font_options_t, Free> options(cairo_font_options_create());
  cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(context, options.get());
  cairo_select_font_face(context, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         style.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(context, style.size);
}

// A context for measuring text.
struct Ruler {
  Surface surface{cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1)};
  Context context{cairo_create(surface.get())};
  explicit Ruler(const TextStyle& style) { set_font(context.get(), style); }
};

cairo_font_extents_t font_extents(const TextStyle& style) {
  const Ruler ruler(style);
  cairo_font_extents_t extents;
  cairo_font_extents(ruler.context.get(), &extents);
  check(cairo_status(ruler.context.get()));
  return extents;
}

void set_colour(cairo_t* context, const Colour& c) { cairo_set_source_rgba(context, c.red, c.green, c.blue, c.alpha); }

// The rows of Cairo start at the top.
Surface image_of(const Matrix<Colour>& colours) {
  const auto nx = static_cast<int>(colours.rows()), ny = static_cast<int>(colours.cols());
  Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, nx, ny));
  check(cairo_surface_status(surface.get()));
  cairo_surface_flush(surface.get());
  unsigned char* const data = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  const auto byte = [](double channel) { return static_cast<std::uint32_t>(std::lround(255 * channel)); };
  for (int j = 0; j < ny; ++j)
    for (int i = 0; i < nx; ++i) {
      const Colour& c = colours(i, j);
      const std::uint32_t pixel = byte(c.red) << 16 | byte(c.green) << 8 | byte(c.blue);
      std::memcpy(data + (ny - 1 - j) * stride + 4 * i, &pixel, 4);
    }
  cairo_surface_mark_dirty(surface.get());
  return surface;
}

}  // namespace

double text_width(const std::string& text, const TextStyle& style) {
  const Ruler ruler(style);
  cairo_text_extents_t extents;
  cairo_text_extents(ruler.context.get(), printable(text).c_str(), &extents);
  check(cairo_status(ruler.context.get()));
  return extents.x_advance;
}

double text_height(const TextStyle& style) {
  const auto extents = font_extents(style);
  return extents.ascent + extents.descent;
}

struct Canvas::State {
  Format format;
  std::string bytes;  // declared before the surface, whose destructor writes to it
  Surface surface;
  Context context;
};

Canvas::Canvas(Format format, double width, double height, double scale, const std::string& title)
    : state_(std::make_unique<State>()) {
  state_->format = format;
  state_->surface = make_surface(format, width, height, scale, title, &state_->bytes);
  state_->context = Context(cairo_create(state_->surface.get()));
  check(cairo_status(state_->context.get()));
  fill({0, 0, width, height}, {1, 1, 1});
}

Canvas::~Canvas() = default;

void Canvas::fill(const Box& box, const Colour& colour) {
  cairo_t* const context = state_->context.get();
  set_colour(context, colour);
  cairo_rectangle(context, box.x, box.y, box.width, box.height);
  cairo_fill(context);
}

void Canvas::outline(const Box& box, const Colour& colour, double width) {
  cairo_t* const context = state_->context.get();
  set_colour(context, colour);
  cairo_set_line_width(context, width);
  cairo_set_line_join(context, CAIRO_LINE_JOIN_MITER);
  cairo_rectangle(context, box.x, box.y, box.width, box.height);
  cairo_stroke(context);
}

void Canvas::line(const std::vector<Point>& points, const Colour& colour, double width) {
  cairo_t* const context = state_->context.get();
  set_colour(context, colour);
  cairo_set_line_width(context, width);
  cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap(context, CAIRO_LINE_CAP_BUTT);
  for (const Point& p : points) cairo_line_to(context, p.x, p.y);
  cairo_stroke(context);
}

void Canvas::dashed(const std::vector<Point>& points, const Colour& colour, double width) {
  static constexpr double kDashes[] = {4, 3};
  cairo_set_dash(state_->context.get(), kDashes, 2, 0);
  line(points, colour, width);
  cairo_set_dash(state_->context.get(), nullptr, 0, 0);
}

void Canvas::area(const std::vector<std::vector<Point>>& loops, const Colour& colour) {
  cairo_t* const context = state_->context.get();
  set_colour(context, colour);
  cairo_set_fill_rule(context, CAIRO_FILL_RULE_EVEN_ODD);
  for (const auto& loop : loops) {
    cairo_new_sub_path(context);
    for (const Point& p : loop) cairo_line_to(context, p.x, p.y);
    cairo_close_path(context);
  }
  cairo_fill(context);
}

void Canvas::dot(const Point& centre, double radius, const Colour& colour) {
  cairo_t* const context = state_->context.get();
  set_colour(context, colour);
  cairo_arc(context, centre.x, centre.y, radius, 0, 2 * std::numbers::pi);
  cairo_fill(context);
}

void Canvas::dots(const std::vector<Point>& centres, double radius, const Colour& colour) {
  static constexpr std::size_t kAtOnce = 32;
  cairo_t* const context = state_->context.get();
  set_colour(context, colour);
  cairo_set_line_width(context, 2 * radius);
  cairo_set_line_cap(context, CAIRO_LINE_CAP_ROUND);
  for (std::size_t k = 0; k < centres.size(); ++k) {
    cairo_move_to(context, centres[k].x, centres[k].y);
    cairo_line_to(context, centres[k].x, centres[k].y);  // of no length: its two round ends are the dot
    if ((k + 1) % kAtOnce == 0) cairo_stroke(context);
  }
  cairo_stroke(context);
}

void Canvas::text(const Point& anchor, const std::string& text, const TextStyle& style) {
  cairo_t* const context = state_->context.get();
  const auto extents = font_extents(style);
  const double width = text_width(text, style), height = extents.ascent + extents.descent;
  const double left = style.along == Along::start ? 0 : style.along == Along::middle ? -width / 2 : -width;
  const double top = style.across == Across::top ? 0 : style.across == Across::middle ? -height / 2 : -height;
  cairo_save(context);
  cairo_translate(context, anchor.x, anchor.y);
  if (style.direction == Direction::upward) cairo_rotate(context, -std::numbers::pi / 2);
  set_font(context, style);
  set_colour(context, style.colour);
  cairo_move_to(context, left, top + extents.ascent);
  cairo_show_text(context, printable(text).c_str());  // invalid UTF-8 would be an error of Cairo
  cairo_new_path(context);                            // otherwise the next line would begin at the end of the text
  cairo_restore(context);
}

void Canvas::cells(const Box& box, const Matrix<Colour>& colours) {
  if (colours.size() == 0) return;
  cairo_t* const context = state_->context.get();
  const Surface image = image_of(colours);
  const double nx = static_cast<double>(colours.rows()), ny = static_cast<double>(colours.cols());
  // A viewer scales SVG and PDF itself, and blending by Cairo would blur the edge of the image there.
  const bool blend = state_->format == Format::png && std::min(box.width / nx, box.height / ny) < kSeenCell;
  cairo_save(context);
  cairo_rectangle(context, box.x, box.y, box.width, box.height);
  cairo_clip(context);
  cairo_translate(context, box.x, box.y);
  cairo_scale(context, box.width / nx, box.height / ny);
  cairo_set_source_surface(context, image.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(context), blend ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
  if (blend) cairo_pattern_set_extend(cairo_get_source(context), CAIRO_EXTEND_PAD);
  cairo_paint(context);
  cairo_restore(context);
}

void Canvas::clipped(const Box& box, const std::function<void()>& draw) {
  cairo_t* const context = state_->context.get();
  cairo_save(context);
  cairo_rectangle(context, box.x, box.y, box.width, box.height);
  cairo_clip(context);
  draw();
  cairo_restore(context);
}

Pixels Canvas::pixels() const {
  cairo_surface_t* const surface = state_->surface.get();
  cairo_surface_flush(surface);
  Pixels out{cairo_image_surface_get_width(surface), cairo_image_surface_get_height(surface)};
  const unsigned char* const data = cairo_image_surface_get_data(surface);
  const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface));
  const auto row = static_cast<std::size_t>(out.width);
  out.rgb.resize(row * static_cast<std::size_t>(out.height));
  for (std::size_t j = 0; j < static_cast<std::size_t>(out.height); ++j)
    std::memcpy(out.rgb.data() + j * row, data + j * stride, 4 * row);
  for (auto& pixel : out.rgb) pixel &= 0xffffff;  // RGB24 leaves the upper byte undefined
  return out;
}

std::string Canvas::finish() {
  check(cairo_status(state_->context.get()));
  if (state_->format == Format::png)
    check(cairo_surface_write_to_png_stream(state_->surface.get(), append, &state_->bytes));
  cairo_surface_finish(state_->surface.get());
  check(cairo_surface_status(state_->surface.get()));
  return std::move(state_->bytes);
}

}  // namespace pathline::plot
