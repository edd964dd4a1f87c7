#include "app/density_totals.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/coarse_solver.hpp"
#include "app/report.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/train/evaluate.hpp"
#include "train/metrics_line.hpp"

namespace pathline {
namespace {

std::string plus_minus(const Moments& m) {
  const std::string mean = fmt::format("{:.5f}", m.mean);
  return std::isfinite(m.error()) ? fmt::format("{} +- {:.5f}", mean, m.error()) : mean;
}

// The indices of the points whose solve succeeded.
std::vector<Index> evaluated(const LogProbOfRows& got) {
  std::vector<Index> kept;
  std::size_t next = 0;
  for (Index i = 0; i < got.log_prob.size(); ++i)
    if (next < got.failed.size() && got.failed[next].column == i)
      ++next;
    else
      kept.push_back(i);
  return kept;
}

DensityError error_of(const DensityFlags& f, const DensityTotals& t, const EvaluationOptions& options) {
  return density_error(read_model<double>(model_file(f.model)).flow, t.sample, options);
}

void print_error(const DensityError& e) {
  if (!e.unknown.empty())
    fmt::print("log-density error  not known: {}\n", e.unknown);
  else
    fmt::print("log-density error  mean {:.1e}, largest {:.1e} nats, of {} points against double at tolerance 1e-9\n",
               e.mean, e.largest, e.points);
}

// Warns if the log-densities are not accurate enough for the KL divergence that is computed from them.
void warn_of_kl(const DensityTotals& t, const std::optional<DensityError>& error) {
  const bool solved = error && error->unknown.empty();
  if (is_impossible_kl(t.kl.mean, t.kl.error()))
    report_warning(
        "KL(data || model) = {} is negative, which no density can have: the log-densities{} or "
        "the column log_density are wrong",
        plus_minus(t.kl), solved ? fmt::format(", off by {:.1e} nats on average,", error->mean) : "");
  else if (solved && std::abs(error->bias) > 1e-3 && !(std::abs(error->bias) <= 2 * t.kl.error()))
    report_warning(
        "the solve is too coarse for KL(data || model) = {}: it shifts the mean log-density by "
        "{:.1e} nats; use a smaller --rtol and --atol, or more --steps",
        plus_minus(t.kl), error->bias);
}

}  // namespace

void DensityTotals::add(const Matrix<double>& points, const Matrix<double>& conditions, const LogProbOfRows& got,
                        const RowVector<double>& known, Index tile) {
  nfe.add(got.nfe, points.cols(), tile);
  if (got.failed.empty()) {
    add_evaluated(points, conditions, got.log_prob, known);
  } else {
    const auto kept = evaluated(got);
    add_evaluated(
        points(Eigen::all, kept), conditions.rows() > 0 ? Matrix<double>(conditions(Eigen::all, kept)) : conditions,
        got.log_prob(Eigen::all, kept), known.size() > 0 ? RowVector<double>(known(Eigen::all, kept)) : known);
  }
  for (const auto& point : got.failed)
    failed_rows.push_back(rows + point.column), failed_reasons.push_back(point.reason);
  rows += points.cols();
  unresolved += got.unresolved;
}

void DensityTotals::add_evaluated(const Matrix<double>& points, const Matrix<double>& conditions,
                                  const RowVector<double>& log_prob, const RowVector<double>& known) {
  nll.add(-log_prob);
  if (known.size() > 0) kl.add(known - log_prob);
  mass += log_prob.array().exp().sum();
  if (points.allFinite()) sample.add(points, conditions, log_prob);  // not finite if columns are integrated out
}

void warn_of_error(const DensityFlags& f, const ModelCard& card, const DensityTotals& t,
                   const EvaluationOptions& options) {
  const auto option = coarse_option(options.solver, card.evaluation);
  if (option.empty() || options.trace.kind != TraceKind::exact || !t.without_error.empty()) return;
  const auto e = error_of(f, t, options);
  if (e.unknown.empty()) warn_of_coarse_option(option, e.mean, e.largest);
}

void warn_of_unresolved(const DensityTotals& t) {
  if (t.unresolved == 0) return;
  report_warning(
      "{} of {} log-densities may be wrong: along the columns without an axis, or within the cells of discrete "
      "columns, "
      "the density is too narrow to be integrated; give columns without an axis a value, or make a histogram of "
      "`pathline sample`",
      t.unresolved, t.rows);
}

// The bounds on the distance from the training data and on the NLL are far beyond what data of the model reaches.
template <class S> void warn_of_far_points(const Flow<S>& flow, const ModelCard& card, const DensityTotals& t) {
  const double distance = median_distance(flow, t.sample);
  RowVector<double> nll = -t.sample.log_prob();
  std::sort(nll.begin(), nll.end(), [](double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); });
  const double median = nll[nll.size() / 2];
  const auto trained = validation_nll(card);
  const bool unlikely = trained && median > *trained + 20 + 2 * static_cast<double>(flow.dim());
  if (!(distance > 6) && !unlikely) return;
  const std::string of_training = trained ? fmt::format(" (the training data: {:.1f})", *trained) : "";
  report_warning(
      "most of the points are far from the data that the model was trained on: their median "
      "distance from the mean is {:.1f} standard deviations, their median NLL {:.1f} nats{}; check the table's "
      "columns, their order and their units",
      distance, median, of_training);
}

template <class S> void print_summary(const DensityFlags& f, const Flow<S>& flow, const DensityTotals& t,
                                      const std::optional<Grid>& grid, const EvaluationOptions& options) {
  fmt::print("points             {}\n", t.rows);
  if (grid)
    fmt::print("mass on the grid   {:.5f} (midpoint rule)\n", t.mass * grid->cell());
  else
    fmt::print("mean NLL           {} nats{}\n", plus_minus(t.nll), t.nll.n > 1 ? " (standard error)" : "");
  std::optional<DensityError> error;
  if (!t.without_error.empty())
    error = DensityError{.unknown = t.without_error};
  else if (options.trace.kind == TraceKind::exact)
    error = error_of(f, t, options);
  if (t.kl.n > 0) fmt::print("KL(data || model)  {} nats, by the column log_density\n", plus_minus(t.kl));
  fmt::print("NFE                {:.1f}\n", t.nfe.value());
  if (error)
    print_error(*error);
  else
    fmt::print(
        "log-density error  {:.1e} nats: the standard error of each by {} of Hutchinson's probes, over {} points\n",
        probe_error(flow, t.sample, options), options.trace.probes, t.sample.size());
  if (t.kl.n > 0) warn_of_kl(t, error);
}

int report_failed(const DensityTotals& t, Index rescued, const std::string& table, bool quiet) {
  if (rescued > 0 && !quiet)
    report_note("{}: {} points whose solve failed were evaluated in double precision with other settings", table,
                rescued);
  if (t.failed_rows.empty()) return 0;
  constexpr std::size_t kMost = 3;
  std::string first;
  for (std::size_t i = 0; i < std::min(kMost, t.failed_rows.size()); ++i)
    first += fmt::format("{}row {}: {}", i ? "; " : "", t.failed_rows[i] + 1, t.failed_reasons[i]);
  report_line(fmt::format("pathline: {}: {} of {} log-densities are NaN, because their solves failed: {}{}", table,
                          t.failed_rows.size(), t.rows, first, t.failed_rows.size() > kMost ? "; ..." : ""));
  return 1;
}

#define PATHLINE_INSTANTIATE(S)                                                             \
  template void print_summary<S>(const DensityFlags&, const Flow<S>&, const DensityTotals&, \
                                 const std::optional<Grid>&, const EvaluationOptions&);     \
  template void warn_of_far_points<S>(const Flow<S>&, const ModelCard&, const DensityTotals&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
