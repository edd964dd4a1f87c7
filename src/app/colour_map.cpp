#include "pathline/app/colour_map.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstdint>

namespace pathline::plot {
namespace {

// Colours of viridis at steps of a tenth. Linear interpolation in sRGB between them is within 2 %.
constexpr std::array<std::uint32_t, 11> kViridis{0x440154, 0x482475, 0x414487, 0x355f8d, 0x2a788e, 0x21918c,
                                                 0x22a884, 0x44bf70, 0x7ad151, 0xbddf26, 0xfde725};
// Blue, vermillion, bluish green, black, reddish purple, orange, sky blue. The yellow is too faint on white.
constexpr std::array<std::uint32_t, 7> kLines{0x0072b2, 0xd55e00, 0x009e73, 0x000000, 0xcc79a7, 0xe69f00, 0x56b4e9};
constexpr Colour kNeutral{0.75, 0.75, 0.75};

double channel(std::uint32_t rgb, int shift) { return ((rgb >> shift) & 0xff) / 255.0; }

}  // namespace

Colour viridis(double t) {
  if (std::isnan(t)) return kNeutral;
  const double place = std::clamp(t, 0.0, 1.0) * static_cast<double>(kViridis.size() - 1);
  const auto i = std::min(static_cast<std::size_t>(place), kViridis.size() - 2);
  const double part = place - static_cast<double>(i);
  const auto mix = [&](int shift) {
    return (1 - part) * channel(kViridis[i], shift) + part * channel(kViridis[i + 1], shift);
  };
  return {mix(16), mix(8), mix(0)};
}

Colour diverging(double t) {
  if (std::isnan(t)) return kNeutral;
  const Colour end = line_colour(t < 0 ? 0 : 1);
  const double part = std::min(std::abs(t), 1.0);
  return {1 - part * (1 - end.red), 1 - part * (1 - end.green), 1 - part * (1 - end.blue)};
}

Colour line_colour(Index i) {
  assert(i >= 0);
  const auto rgb = kLines[static_cast<std::size_t>(i) % kLines.size()];
  return {channel(rgb, 16), channel(rgb, 8), channel(rgb, 0)};
}

}  // namespace pathline::plot
