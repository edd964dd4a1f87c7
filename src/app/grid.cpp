#include "app/grid.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

template <class T> bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Grid::Axis parse_axis(const std::string& whole, std::string_view text) {
  Grid::Axis axis{};
  const auto first = text.find(':'), second = text.find(':', first + 1);
  const bool good = first != text.npos && second != text.npos && parse(text.substr(0, first), axis.low) &&
                    parse(text.substr(first + 1, second - first - 1), axis.high) &&
                    parse(text.substr(second + 1), axis.count);
  if (!good) throw InputError("--grid=" + whole + ": expected LOW:HIGH:N, as in --grid=-4:4:200");
  if (!std::isfinite(axis.low) || !std::isfinite(axis.high) || !(axis.low < axis.high) || axis.count < 1)
    throw InputError("--grid=" + whole + ": must have LOW < HIGH and N >= 1");
  return axis;
}

}  // namespace

Grid Grid::parse(const std::string& text, Index dim) {
  std::vector<Axis> axes;
  std::string_view rest = text;
  while (true) {
    const auto comma = rest.find(',');
    axes.push_back(parse_axis(text, rest.substr(0, comma)));
    if (comma == rest.npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (axes.size() == 1) axes.resize(static_cast<std::size_t>(dim), axes[0]);
  if (static_cast<Index>(axes.size()) != dim)
    throw InputError(fmt::format("--grid={}: {} axes; the model has {}", text, axes.size(), dim));
  double size = 1;
  for (const auto& a : axes) size *= static_cast<double>(a.count);
  if (size > 1e9) throw InputError(fmt::format("--grid={}: {:.1e} points: must be <= 10^9", text, size));
  return Grid(std::move(axes));
}

Index Grid::size() const {
  Index n = 1;
  for (const auto& a : axes_) n *= a.count;
  return n;
}

double Grid::cell() const {
  double v = 1;
  for (const auto& a : axes_) v *= a.step();
  return v;
}

Matrix<double> Grid::points(Index first, Index count) const {
  Matrix<double> out(static_cast<Index>(axes_.size()), count);
  for (Index i = 0; i < count; ++i) {
    Index rest = first + i;
    for (std::size_t j = 0; j < axes_.size(); ++j) {
      out(static_cast<Index>(j), i) = axes_[j].centre(rest % axes_[j].count);
      rest /= axes_[j].count;
    }
  }
  return out;
}

}  // namespace pathline
