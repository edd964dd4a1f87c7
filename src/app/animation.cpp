#include "app/animation.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/fitted_text.hpp"
#include "app/panel.hpp"
#include "app/smooth_density.hpp"

namespace pathline {
namespace {

using plot::Box;
using plot::Canvas;
using plot::Colour;
using plot::Frame;
using plot::Point;

constexpr Colour kFrameInk{0.13, 0.13, 0.13}, kParticle{1, 0.6, 0.2}, kBar{0, 0.447, 0.698}, kTrack{0.85, 0.85, 0.85};
constexpr int kPalette = 64, kGreys = 8;
constexpr Index kFrameCells = 64;

// A time between two stored frames: the index of the first, and the fraction of the way to the second.
struct Place {
  std::size_t frame;
  double part;
};

Place place_of(const FlowFrames& frames, double time) {
  const double last = static_cast<double>(frames.times.size() - 1);
  const double at = std::clamp(time / frames.times.back(), 0.0, 1.0) * last;
  const auto frame = std::min(static_cast<std::size_t>(at), frames.times.size() - 2);
  return {frame, at - static_cast<double>(frame)};
}

Matrix<double> particles_at(const FlowFrames& frames, const Place& at) {
  return (1 - at.part) * frames.particles[at.frame] + at.part * frames.particles[at.frame + 1];
}

// The logarithm is linear between the frames; where the density is 0 at one of them, it is 0.
RowVector<double> density_at(const FlowFrames& frames, const Place& at) {
  const auto &a = frames.log_density[at.frame], &b = frames.log_density[at.frame + 1];
  RowVector<double> out(a.size());
  for (Index i = 0; i < a.size(); ++i)
    out(i) = at.part <= 0   ? std::exp(a(i))
             : at.part >= 1 ? std::exp(b(i))
                            : std::exp((1 - at.part) * a(i) + at.part * b(i));
  return out;
}

Matrix<double> pair_density(const FlowFrames& frames, const AnimationView& view, const Matrix<double>& particles) {
  const auto column = [&](Index k) {
    const auto at = static_cast<std::size_t>(k);
    return plot::SampleColumn{particles.row(k), frames.ranges[at], frames.ends[at]};
  };
  // The square root, because the density of a table often has spikes, next to which everything else would be dark.
  return plot::smooth_density(column(view.columns[0]), column(view.columns[1]), {}, kFrameCells).cwiseSqrt();
}

// Twice as many cells per side, by bilinear interpolation, so that single cells cannot be seen.
Matrix<double> refined(const Matrix<double>& a) {
  Matrix<double> out(2 * a.rows(), 2 * a.cols());
  for (Index j = 0; j < out.cols(); ++j)
    for (Index i = 0; i < out.rows(); ++i) {
      const Index k = i / 2, l = j / 2;
      const Index near_k = std::clamp<Index>(i % 2 ? k + 1 : k - 1, 0, a.rows() - 1),
                  near_l = std::clamp<Index>(j % 2 ? l + 1 : l - 1, 0, a.cols() - 1);
      out(i, j) = (9 * a(k, l) + 3 * a(near_k, l) + 3 * a(k, near_l) + a(near_k, near_l)) / 16;
    }
  return out;
}

void draw_density(Canvas& canvas, const Box& box, const Matrix<double>& coarse) {
  const Matrix<double> density = refined(coarse);
  const double highest = density.maxCoeff();
  canvas.cells(box, density.unaryExpr([&](double p) { return plot::viridis(highest > 0 ? p / highest : 0); }));
}

void draw_particles(Canvas& canvas, const Frame& frame, const AnimationView& view, const Matrix<double>& x) {
  for (Index i = 0; i < std::min(view.particles, x.cols()); ++i)
    canvas.dot(frame.at(x(view.columns[0], i), x(view.columns[1], i)), 1.7, kParticle);
}

// Draws one column: the density as a curve, and the particles as marks below it.
void draw_curve(Canvas& canvas, const Frame& frame, const AnimationView& view, const RowVector<double>& density,
                const Matrix<double>& x) {
  std::vector<Point> line;
  const double step = (frame.x.high - frame.x.low) / static_cast<double>(density.size());
  for (Index i = 0; i < density.size(); ++i)
    line.push_back(frame.at(frame.x.low + (static_cast<double>(i) + 0.5) * step, density(i)));
  std::vector<Point> shape = line;
  shape.push_back({frame.box.right(), frame.box.bottom()}), shape.push_back({frame.box.x, frame.box.bottom()});
  canvas.area({shape}, plot::viridis(0.75));
  canvas.line(line, plot::viridis(0.3), 2);
  for (Index i = 0; i < std::min(view.particles, x.cols()); ++i) {
    const double at = frame.at(x(0, i), 0).x;
    canvas.line({{at, frame.box.bottom() - 8}, {at, frame.box.bottom()}}, kParticle, 1);
  }
}

plot::Panel panel_of(const FlowFrames& frames, const AnimationView& view, double time) {
  const Place at = place_of(frames, time);
  const Matrix<double> x = particles_at(frames, at);
  plot::Panel panel;
  panel.x_axis.label = view.names[0], panel.x = frames.ranges[static_cast<std::size_t>(view.columns[0])];
  if (frames.ranges.size() == 1) {
    double highest = 0;
    for (const auto& log_p : frames.log_density) highest = std::max(highest, std::exp(log_p.maxCoeff()));
    panel.y_axis.label = "density", panel.y = {0, highest > 0 ? 1.05 * highest : 1};
    panel.draw = [&view, x, density = density_at(frames, at)](Canvas& canvas, const Frame& frame) {
      draw_curve(canvas, frame, view, density, x);
    };
    return panel;
  }
  panel.y_axis.label = view.names[1], panel.y = frames.ranges[static_cast<std::size_t>(view.columns[1])];
  Matrix<double> density;
  if (frames.log_density.empty()) {
    density = pair_density(frames, view, x);
  } else {
    const RowVector<double> values = density_at(frames, at);
    const auto cells = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(values.size()))));
    density = ConstMatrixMap<double>(values.data(), cells, cells);
    if (view.columns[0] == 1) density.transposeInPlace();
  }
  panel.draw = [&view, x, density](Canvas& canvas, const Frame& frame) {
    draw_density(canvas, frame.box, density);
    draw_particles(canvas, frame, view, x);
  };
  return panel;
}

}  // namespace

plot::Pixels animation_frame(const FlowFrames& frames, const AnimationView& view, double time) {
  constexpr double kTop = 44, kBottom = 42, kRight = 14;
  const plot::Panel panel = panel_of(frames, view, time);
  const double width = view.size, left = std::ceil(panel.left_of(width) + 6), side = width - left - kRight;
  const double picture = std::floor(frames.ranges.size() == 1 ? 0.6 * side : side);
  const int height = static_cast<int>(kTop + picture + kBottom) / 2 * 2;  // a video needs even lengths
  Canvas canvas(plot::Format::png, view.size, height, 1, view.title);
  const plot::TextStyle heading{.size = 13, .bold = true}, small{.size = 11, .along = plot::Along::end};
  canvas.text({width / 2, 4}, plot::fitted(view.title, heading, width - 16), heading);
  const double end = frames.times.back(), y = 32, from = left, to = width - kRight - 62;
  canvas.fill({from, y - 3, to - from, 6}, kTrack);
  canvas.fill({from, y - 3, (to - from) * time / end, 6}, kBar);
  canvas.text({width - kRight, y - 8}, fmt::format("t = {:.2f}", time), small);
  panel.paint(canvas, {left, kTop, side, picture});
  return canvas.pixels();
}

std::vector<Colour> animation_palette() {
  std::vector<Colour> out{{1, 1, 1}, kParticle, kBar, kTrack};
  for (int k = 0; k < kPalette; ++k) out.push_back(plot::viridis(k / (kPalette - 1.0)));
  for (int k = 0; k < kGreys; ++k) {
    const double part = k / static_cast<double>(kGreys);
    out.push_back({kFrameInk.red + part * (1 - kFrameInk.red), kFrameInk.green + part * (1 - kFrameInk.green),
                   kFrameInk.blue + part * (1 - kFrameInk.blue)});
  }
  // The soft edge of a particle.
  for (int k = 0; k < 12; ++k) {
    const Colour under = plot::viridis(k / 11.0);
    out.push_back(
        {(under.red + kParticle.red) / 2, (under.green + kParticle.green) / 2, (under.blue + kParticle.blue) / 2});
  }
  return out;
}

}  // namespace pathline
