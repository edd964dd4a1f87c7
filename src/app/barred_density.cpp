#include "app/barred_density.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include <fmt/format.h>

#include "app/report.hpp"
#include "core/option_check.hpp"
#include "pathline/core/error.hpp"

namespace pathline {

template <class S>
BarredDensity<S>::BarredDensity(const DensityFlags& f, const Flow<S>& flow, const IntegratedDensity<S>& density,
                                const EvaluationOptions& options, bool integrated)
    : flags_(f), flow_(flow), density_(density) {
  if (wanted() && f.time)
    throw InputError(fmt::format("{}: has no error bar for the density at a time, --time",
                                 f.max_error ? "--max-error" : "--error"));
  if (wanted() && integrated)
    throw InputError(fmt::format("{}: has no error bar for columns that are integrated out, or are discrete",
                                 f.max_error ? "--max-error" : "--error"));
  if (!f.max_error) return;
  require(*f.max_error > 0 && std::isfinite(*f.max_error), "--max-error", *f.max_error, "> 0");
  if (options.trace.kind != TraceKind::exact)
    throw InputError("--max-error needs --trace exact: more --probes narrow the bars of --trace hutchinson");
  if constexpr (std::is_same_v<S, float>) wide_ = read_model<double>(model_file(f.model)).flow;
}

template <class S> LogProbOfRows BarredDensity<S>::operator()(const Matrix<double>& x, const Matrix<double>& c,
                                                              const EvaluationOptions& options,
                                                              const std::string& table, Index before) const {
  try {
    const auto got = bars(x, c, options);
    return {got.log_prob, got.nfe, {}, got.error};
  } catch (const InputError& error) {
    throw InputError(error_in_rows(table, before, x.cols(), error.what()));
  } catch (const NumericalError&) {
  }
  auto out = log_prob_of_rows(density_, x, c, options, table, before);
  out.error = RowVector<double>::Constant(x.cols(), std::numeric_limits<double>::infinity());
  auto alone = options;
  alone.tile = 1;
  for (Index i = 0; i < x.cols(); ++i) {
    alone.first = options.first + i;
    try {
      const auto one = bars(x.col(i), c.rows() > 0 ? Matrix<double>(c.col(i)) : Matrix<double>(0, 0), alone);
      if (!std::isnan(out.log_prob[i])) out.error[i] = one.error[0] + std::abs(one.log_prob[0] - out.log_prob[i]);
    } catch (const NumericalError&) {
    }
  }
  return out;
}

template <class S> void BarredDensity<S>::count(const RowVector<double>& error) {
  for (double e : error) {
    ++points_;
    if (flags_.max_error && !(e <= *flags_.max_error)) ++above_, largest_ = std::max(largest_, e);
  }
}

template <class S> int BarredDensity<S>::finish(const std::string& table) const {
  if (above_ == 0) return 0;
  report_warning(
      "{}: {} of {} points have an error bar above --max-error {:g}, even in double; the largest is {:.1e} nats", table,
      above_, points_, *flags_.max_error, largest_);
  return 1;
}

template <class S> BarredLogProb BarredDensity<S>::bars(const Matrix<double>& x, const Matrix<double>& c,
                                                        const EvaluationOptions& options) const {
  if (!flags_.max_error) return log_prob_with_error(flow_, x, c, options);
  if constexpr (std::is_same_v<S, float>)
    return log_prob_within(*flags_.max_error, *wide_, &flow_, x, c, options);
  else
    return log_prob_within(*flags_.max_error, flow_, nullptr, x, c, options);
}

template class BarredDensity<float>;
template class BarredDensity<double>;

}  // namespace pathline
