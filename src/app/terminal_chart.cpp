#include "app/terminal_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "app/ticks.hpp"

namespace pathline {
namespace {

constexpr int kLabel = 10;  // characters to the left of the chart

// A grid of dots, several of which make up one character.
class DotField {
 public:
  DotField(int columns, int rows, Dots dots)
      : columns_(columns),
        rows_(rows),
        dots_(dots),
        across_(dots == Dots::braille ? 2 : 1),
        down_(dots == Dots::braille ? 4 : 1),
        bits_(static_cast<std::size_t>(columns * rows), 0) {}
  int width() const { return columns_ * across_; }
  int height() const { return rows_ * down_; }

  void set(int x, int y) {
    if (x < 0 || y < 0 || x >= width() || y >= height()) return;
    // The numbers of the dots of a braille character, column by column; the fourth row came later (Unicode 15, 21.1).
    static constexpr std::array<std::array<std::uint8_t, 4>, 2> kBit{{{1, 2, 4, 64}, {8, 16, 32, 128}}};
    bits_[static_cast<std::size_t>(y / down_ * columns_ + x / across_)] |=
        kBit[static_cast<std::size_t>(x % across_)][static_cast<std::size_t>(y % down_)];
  }

  void line(int x0, int y0, int x1, int y1) {
    const int steps = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1});
    for (int k = 0; k <= steps; ++k)
      set(x0 + static_cast<int>(std::lround(static_cast<double>(k) * (x1 - x0) / steps)),
          y0 + static_cast<int>(std::lround(static_cast<double>(k) * (y1 - y0) / steps)));
  }

  std::string row(int r) const {
    std::string out;
    for (int c = 0; c < columns_; ++c) {
      const std::uint8_t bits = bits_[static_cast<std::size_t>(r * columns_ + c)];
      if (dots_ == Dots::ascii || bits == 0) {
        out += bits ? '*' : ' ';
        continue;
      }
      out += '\xe2', out += static_cast<char>(0xa0 | bits >> 6), out += static_cast<char>(0x80 | (bits & 63));
    }
    while (out.ends_with(' ')) out.pop_back();
    return out;
  }

 private:
  int columns_, rows_;
  Dots dots_;
  int across_, down_;
  std::vector<std::uint8_t> bits_;
};

struct Points {
  std::vector<double> x, y;
};

Points finite_points(const TerminalLine& line) {
  Points out;
  for (std::size_t i = 0; i < std::min(line.x.size(), line.y.size()); ++i)
    if (std::isfinite(line.x[i]) && std::isfinite(line.y[i])) out.x.push_back(line.x[i]), out.y.push_back(line.y[i]);
  return out;
}

}  // namespace

std::vector<std::string> terminal_chart(const std::vector<TerminalLine>& lines, int width, int height, Dots dots) {
  std::vector<Points> all;
  std::vector<double> xs, ys;
  for (const auto& line : lines) {
    all.push_back(finite_points(line));
    xs.insert(xs.end(), all.back().x.begin(), all.back().x.end());
    ys.insert(ys.end(), all.back().y.begin(), all.back().y.end());
  }
  std::vector<std::string> out(static_cast<std::size_t>(height));
  if (xs.empty()) return out;
  const auto x = plot::range_of(xs, plot::Scale::linear, 0), y = plot::range_of(ys, plot::Scale::linear, 0.02);
  DotField field(width - kLabel - 1, height - 1, dots);
  const auto across = [&](double v) {
    return static_cast<int>(std::lround((v - x.low) / (x.high - x.low) * (field.width() - 1)));
  };
  const auto down = [&](double v) {
    return static_cast<int>(std::lround((y.high - v) / (y.high - y.low) * (field.height() - 1)));
  };
  for (const auto& points : all)
    for (std::size_t i = 0; i < points.x.size(); ++i) {
      const std::size_t before = i > 0 ? i - 1 : i;
      field.line(across(points.x[before]), down(points.y[before]), across(points.x[i]), down(points.y[i]));
    }
  for (int r = 0; r + 1 < height; ++r) {
    const bool labelled = r == 0 || r + 2 == height;
    const std::string label = labelled ? fmt::format("{:.4g}", r == 0 ? y.high : y.low) : "";
    out[static_cast<std::size_t>(r)] = fmt::format("{:>{}}|{}", label, kLabel, field.row(r));
  }
  const std::string first = fmt::format("{:.6g}", x.low), last = fmt::format("{:.6g}", x.high);
  const int gap = std::max(1, width - kLabel - 1 - static_cast<int>(first.size() + last.size()));
  out.back() = std::string(kLabel + 1, ' ') + first + std::string(static_cast<std::size_t>(gap), ' ') + last;
  return out;
}

}  // namespace pathline
