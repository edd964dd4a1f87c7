#include "app/picture_title.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "app/mean_nfe.hpp"
#include "app/number_text.hpp"
#include "app/progress_line.hpp"
#include "app/report.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/train/evaluate.hpp"
#include "train/density_statistics.hpp"

namespace pathline {
namespace {

constexpr Index kPart = 4096;  // points evaluated between two lines of progress

// The error that the solve makes in the mean log-density of the judged points; 0 if it cannot be computed.
double solver_bias(const PlotFlags& f, const PlottedData& data, const RowVector<double>& log_prob,
                   const EvaluationOptions& options) {
  if (options.trace.kind != TraceKind::exact) return 0;
  ProgressLine progress(f.common.quiet, "", 0);
  progress.say("a moment left  checking the solve by 256 points in double precision");
  PointSample sample(256);
  sample.add(data.judged, Matrix<double>(0, data.judged.cols()), log_prob);
  return density_error(read_model<double>(model_file(f.model())).flow, sample, options).bias;
}

struct Judged {
  RowVector<double> log_prob;
  MeanNfe nfe = {};
};

// The log-densities of the rows from which the figure in the title is computed, in parts, with progress.
template <class S> Judged judged(const Flow<S>& flow, const Matrix<double>& x, EvaluationOptions options, bool quiet) {
  Judged out{RowVector<double>(x.cols())};
  ProgressLine progress(quiet, "densities of the title", x.cols());
  for (Index first = 0; first < x.cols(); first += kPart) {
    const Index n = std::min(kPart, x.cols() - first);
    options.first = first;
    const auto got = flow.log_prob(x.middleCols(first, n), Matrix<double>(0, n), options);
    out.log_prob.segment(first, n) = got.log_prob;
    out.nfe.add(got.nfe, n, options.tile);
    progress(first + n);
  }
  return out;
}

}  // namespace

template <class S> std::string picture_title(const PlotFlags& f, const Flow<S>& flow, const PlottedData& data,
                                             const EvaluationOptions& options) {
  std::string text = data.source;
  if (data.judged.cols() == 0) return text;
  std::optional<RowVector<double>> truth;
  if (data.toy) truth = data.toy->log_density(data.judged, options.threads);
  const auto got = judged(flow, data.judged, options, f.common.quiet);
  const auto e = evaluation_of(got.log_prob, got.nfe.value(), truth, data.judged_weights);
  const double bias = solver_bias(f, data, got.log_prob, options);
  const double value = e.kl ? *e.kl : e.nll, error = e.kl ? *e.kl_error : e.nll_error;
  // A number whose solver error exceeds its standard error is not shown. The title has four digits, hence 1e-3 nats.
  if ((e.kl && is_impossible_kl(*e.kl, *e.kl_error)) || (std::abs(bias) > 1e-3 && !(std::abs(bias) <= 2 * error))) {
    report_warning(
        "the solve is too coarse for the plot's title: {} = {} nats, of which the solve makes "
        "{:.1e}; use a smaller --rtol and --atol, or more --steps",
        e.kl ? "KL(data || model)" : data.judged_by, with_error(value, error), -bias);
    return text + fmt::format(": {} not known, the solve is too coarse (solver error {:.1e} nats), NFE {:.0f}",
                              e.kl ? "KL(data || model)" : data.judged_by, std::abs(bias), e.nfe);
  }
  if (e.kl)
    text += fmt::format(": KL(data || model) = {} nats", with_error(*e.kl, *e.kl_error, "\u00b1"));
  else
    text += fmt::format(": {} = {} nats", data.judged_by, with_error(e.nll, e.nll_error, "\u00b1"));
  return text + fmt::format(", NFE {:.0f}", e.nfe);
}

template std::string picture_title<float>(const PlotFlags&, const Flow<float>&, const PlottedData&,
                                          const EvaluationOptions&);
template std::string picture_title<double>(const PlotFlags&, const Flow<double>&, const PlottedData&,
                                           const EvaluationOptions&);

}  // namespace pathline
