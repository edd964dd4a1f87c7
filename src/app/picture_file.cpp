#include "app/picture_file.hpp"

#include <algorithm>

#include "core/lower_case.hpp"
#include "pathline/core/error.hpp"

namespace pathline::plot {

Format format_of(const std::string& path) {
  const std::string suffix = lower_case(path.substr(path.size() - std::min<std::size_t>(path.size(), 4)));
  if (suffix == ".png") return Format::png;
  if (suffix == ".svg") return Format::svg;
  if (suffix == ".pdf") return Format::pdf;
  throw InputError(path + ": expected a name that ends with .png, .svg or .pdf");
}

}  // namespace pathline::plot
