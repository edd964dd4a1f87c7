#include "app/row_densities.hpp"

#include <charconv>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "core/memory.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"

namespace pathline {
namespace {

// Removes the number in "point 70: step limit ...", which is not the number of the row.
std::string reason_of(const std::string& what) {
  const auto colon = what.find(": ");
  return what.starts_with("point") && colon != std::string::npos ? what.substr(colon + 2) : what;
}

// Evaluates points [first, first + count) of the part and stores them in `got`. A part that fails is halved until the
// failing points are alone. The tiles stay the same, so that the other points are solved as before. nfe is summed over
// the points.
template <class S> void solve_part(const IntegratedDensity<S>& density, const Matrix<double>& x,
                                   const Matrix<double>& c, const EvaluationOptions& options, Index first, Index count,
                                   LogProbOfRows& got) {
  auto here = options;
  here.first += first / options.tile * options.tile;
  const Matrix<double> part_c = c.rows() > 0 ? Matrix<double>(c.middleCols(first, count)) : Matrix<double>(0, count);
  try {
    const auto part = density.log_prob(x.middleCols(first, count), part_c, here);
    got.log_prob.segment(first, count) = part.log_prob;
    got.nfe += part.nfe * static_cast<double>(count);
    got.unresolved += part.unresolved;
  } catch (const NumericalError& error) {
    if (count == 1) {
      got.log_prob[first] = std::numeric_limits<double>::quiet_NaN();
      const bool late = dynamic_cast<const TimeLimitReached*>(&error);
      got.failed.push_back({first, reason_of(error.what()), late});
      return;
    }
    const Index tiles = (count + options.tile - 1) / options.tile;
    const Index half = tiles > 1 ? tiles / 2 * options.tile : 1;
    if (tiles > 1) {
      solve_part(density, x, c, options, first, half, got);
      solve_part(density, x, c, options, first + half, count - half, got);
    } else {
      for (Index i = 0; i < count; ++i) solve_part(density, x, c, options, first + i, 1, got);
    }
  }
}

}  // namespace

std::string error_in_rows(const std::string& table, Index before, Index count, std::string_view what) {
  Index point = 0;
  const std::string_view word = "point ";
  if (what.starts_with(word)) {
    const auto [end, error] = std::from_chars(what.data() + word.size(), what.data() + what.size(), point);
    if (error == std::errc()) return fmt::format("{}: row {}{}", table, point, what.substr(end - what.data()));
  }
  return fmt::format("{}: rows {} to {}: {}", table, before + 1, before + count, what);
}

template <class S> LogProbOfRows log_prob_of_rows(const IntegratedDensity<S>& density, const Matrix<double>& x,
                                                  const Matrix<double>& c, const EvaluationOptions& options,
                                                  const std::string& table, Index before) {
  const std::string what =
      fmt::format("{} points of {} columns on {} threads; use fewer --threads, or --trace hutchinson", options.tile,
                  x.rows(), thread_count(options.threads));
  LogProbOfRows got{RowVector<double>(x.cols()), 0, {}};
  try {
    with_memory(what, [&] { solve_part(density, x, c, options, 0, x.cols(), got); });
    got.nfe /= static_cast<double>(x.cols());
    return got;
  } catch (const InputError& error) {
    throw InputError(error_in_rows(table, before, x.cols(), error.what()));
  }
}

#define PATHLINE_INSTANTIATE(S)                                                                                   \
  template LogProbOfRows log_prob_of_rows<S>(const IntegratedDensity<S>&, const Matrix<double>&,                  \
                                             const Matrix<double>&, const EvaluationOptions&, const std::string&, \
                                             Index);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
