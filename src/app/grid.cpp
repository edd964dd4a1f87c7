#include "app/grid.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/comma_list.hpp"
#include "core/name_list.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"

namespace pathline {
namespace {

template <class T> bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Grid::Axis parse_axis(const std::string& whole, std::string_view text) {
  Grid::Axis axis{};
  const auto first = text.find(':'), second = text.find(':', first + 1);
  if (first == text.npos && parse(text, axis.low) && std::isfinite(axis.low)) return {axis.low, axis.low, 1};
  const bool good = first != text.npos && second != text.npos && parse(text.substr(0, first), axis.low) &&
                    parse(text.substr(first + 1, second - first - 1), axis.high) &&
                    parse(text.substr(second + 1), axis.count);
  if (!good)
    throw InputError("--grid=" + whole + ": expected LOW:HIGH:N, as in --grid=-4:4:200, or one value of a column");
  if (!std::isfinite(axis.low) || !std::isfinite(axis.high) || !(axis.low < axis.high) || axis.count < 1)
    throw InputError("--grid=" + whole + ": must have LOW < HIGH and N >= 1");
  return axis;
}

Grid by_name(const std::string& text, const std::vector<std::string>& names, Index dim) {
  std::vector<Grid::Axis> axes(static_cast<std::size_t>(dim), Grid::Axis{0, 0, 0});
  for (const auto& item : split_commas(text)) {
    const auto equals = item.rfind('=');
    if (equals == item.npos)
      throw InputError(
          fmt::format("--grid={}: '{}': expected NAME=LOW:HIGH:N or NAME=VALUE, as for the others", text, item));
    const auto name = item.substr(0, equals);
    const Index i = place_of(names, name);
    if (i >= std::min(std::ssize(names), dim))
      throw InputError(fmt::format("--grid={}: no column '{}'{}", text, name, did_you_mean_column(name, names)));
    auto& axis = axes[static_cast<std::size_t>(i)];
    if (axis.count > 0) throw InputError(fmt::format("--grid={}: column '{}' is named twice", text, name));
    axis = parse_axis(text, std::string_view(item).substr(equals + 1));
  }
  std::vector<Index> integrated;
  for (Index i = 0; i < dim; ++i)
    if (auto& axis = axes[static_cast<std::size_t>(i)]; axis.count == 0) integrated.push_back(i), axis.count = 1;
  return Grid(std::move(axes), std::move(integrated));
}

Grid by_order(const std::string& text, Index dim) {
  std::vector<Grid::Axis> axes;
  for (const auto& item : split_commas(text)) axes.push_back(parse_axis(text, item));
  if (axes.size() == 1) axes.resize(static_cast<std::size_t>(dim), axes[0]);
  if (static_cast<Index>(axes.size()) != dim)
    throw InputError(fmt::format("--grid={}: {} axes; the model has {}", text, axes.size(), dim));
  return Grid(std::move(axes));
}

}  // namespace

Grid Grid::parse(const std::string& text, const std::vector<std::string>& names, Index dim) {
  auto grid = text.find('=') == text.npos ? by_order(text, dim) : by_name(text, names, dim);
  double size = 1;
  for (const auto& a : grid.axes_) size *= static_cast<double>(a.count);
  if (size > 1e9) throw InputError(fmt::format("--grid={}: {:.1e} points: must be <= 10^9", text, size));
  return grid;
}

Index Grid::size() const {
  Index n = 1;
  for (const auto& a : axes_) n *= a.count;
  return n;
}

double Grid::cell() const {
  double v = 1;
  for (const auto& a : axes_)
    if (!a.slice()) v *= a.step();
  return v;
}

std::vector<Index> Grid::extended() const {
  std::vector<Index> out;
  for (std::size_t i = 0; i < axes_.size(); ++i)
    if (!axes_[i].slice()) out.push_back(static_cast<Index>(i));
  return out;
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
  for (const Index i : integrated_) out.row(i).setConstant(std::numeric_limits<double>::quiet_NaN());
  return out;
}

std::vector<double> Grid::as_array(const std::vector<double>& values) const {
  std::vector<double> out(values.size());
  for (std::size_t p = 0; p < values.size(); ++p) {
    auto rest = static_cast<Index>(p);
    Index place = 0;
    for (const auto& axis : axes_) {
      place = place * axis.count + rest % axis.count;
      rest /= axis.count;
    }
    out[static_cast<std::size_t>(place)] = values[p];
  }
  return out;
}

}  // namespace pathline
