#include "app/study.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "app/text_file.hpp"
#include "core/clock.hpp"
#include "pathline/adjoint/odeint.hpp"
#include "pathline/core/error.hpp"
#include "pathline/objective/nll_gradient.hpp"
#include "pathline/regression/residual_network.hpp"
#include "train/metrics_line.hpp"

namespace pathline {
namespace {

constexpr double kExact = 1e-12;  // tolerance of the reference solutions
constexpr plot::Scale kLog = plot::Scale::log;

SolverOptions exact_solver() {
  return {.stepper = StepperKind::fehlberg78, .rtol = kExact, .atol = kExact, .max_steps = 100000};
}

// 1e-1 ... 10^-last, two a decade.
std::vector<double> tolerances(int last) {
  std::vector<double> out;
  for (int k = 2; k <= 2 * last; ++k) out.push_back(std::pow(10, -0.5 * k));
  return out;
}

double rms_of(const Matrix<double>& error) {
  return std::sqrt(error.squaredNorm() / static_cast<double>(error.size()));
}

// The first x at which the curve is at or below the level; NaN if it never is.
double first_below(const StudyCurve& curve, double level) {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < curve.x.size(); ++i)
    if (curve.y[i] <= level) least = std::min(least, curve.x[i]);
  return std::isfinite(least) ? least : std::nan("");
}

std::string cost_text(double cost) { return std::isnan(cost) ? "-" : fmt::format("{:.0f}", cost); }

// One line for each curve: the evaluations that are needed for each error.
std::string costs(const std::vector<StudyCurve>& curves, const std::vector<double>& levels, const std::string& head) {
  std::string out = fmt::format("{:<26}", head);
  for (const double level : levels) out += fmt::format("{:>10}", fmt::format("{:.0e}", level));
  out += "\n";
  for (const auto& curve : curves) {
    out += fmt::format("  {:<24}", curve.label);
    for (const double level : levels) out += fmt::format("{:>10}", cost_text(first_below(curve, level)));
    out += "\n";
  }
  return out;
}

// The slope of log y over log x by least squares, of the points with y above `floor`.
double slope(const StudyCurve& curve, double floor) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    if (!(curve.y[i] > floor)) continue;
    const double u = std::log(curve.x[i]), v = std::log(curve.y[i]);
    n += 1, sx += u, sy += v, sxx += u * u, sxy += u * v;
  }
  return n > 1 ? (n * sxy - sx * sy) / (n * sxx - sx * sx) : std::nan("");
}

// A solve that fails gives no point of the curve: with few steps, or with a tolerance below the rounding of float.
template <class F> bool succeeds(F f) {
  try {
    f();
    return true;
  } catch (const NumericalError&) {
    return false;
  }
}

}  // namespace

std::string StudyChart::csv() const {
  std::string out = "curve," + x_name + "," + y_name;
  if (!curves.empty())
    for (const auto& [column, values] : curves.front().further) out += "," + column;
  out += "\n";
  for (const auto& curve : curves)
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      out += fmt::format("{},{:.9g},{:.9g}", csv_cell(curve.label), curve.x[i], curve.y[i]);
      for (const auto& [column, values] : curve.further) out += fmt::format(",{:.9g}", values[i]);
      out += "\n";
    }
  return out;
}

void StudyChart::draw(plot::Figure& figure) const {
  constexpr Index kColours = 7;  // of line_colour; an eighth curve is grey
  std::vector<plot::Series> series;
  for (const auto& curve : curves) {
    const Index i = std::ssize(series);
    series.push_back({.label = curve.label,
                      .x = curve.x,
                      .y = curve.y,
                      .colour = i < kColours ? plot::line_colour(i) : plot::Colour{0.55, 0.55, 0.55},
                      .dots = true});
  }
  figure.lines(title, std::move(series), x, y);
}

StudySubject study_subject(const std::string& file, Index points, std::uint64_t seed, const Matrix<double>& condition,
                           std::vector<std::string> metrics, int threads) {
  StudySubject out{.model = read_model<double>(file),
                   .single = read_model<float>(file),
                   .x = {},
                   .c = condition.replicate(1, condition.rows() > 0 ? points : 1),
                   .metrics = std::move(metrics),
                   .threads = threads};
  const EvaluationOptions draws{.solver = {.rtol = 1e-6, .atol = 1e-6}, .density = false, .threads = threads};
  out.x = out.model.flow.sample(points, seed, draws, out.c).points;
  return out;
}

StudyChart study_steppers(const StudySubject& s) {
  StudyChart out{.name = "error_against_nfe",
                 .title = "error of z(0) against evaluations",
                 .x_name = "nfe",
                 .y_name = "rms_error",
                 .x = {.label = "evaluations of the field (NFE)", .scale = kLog},
                 .y = {.label = "RMS error of z(0)", .scale = kLog},
                 .curves = {}};
  EvaluationOptions o{.solver = exact_solver(), .density = false, .threads = s.threads};
  const Matrix<double> exact = s.model.flow.log_prob(s.x, s.c, o).latent;
  for (const auto& name : stepper_names()) {
    StudyCurve curve{.label = name, .further = {{"tolerance", {}}, {"steps", {}}}};
    auto measure = [&](double tolerance, Index steps) {
      o.solver = {.stepper = parse_stepper(name), .steps = steps};
      if (steps == 0) o.solver.rtol = o.solver.atol = tolerance;
      LogProb<double> got;
      if (!succeeds([&] { got = s.model.flow.log_prob(s.x, s.c, o); })) return;
      const double error = rms_of(got.latent - exact);
      if (!std::isfinite(error) || error > 1e3) return;
      curve.x.push_back(got.nfe), curve.y.push_back(std::max(error, 1e-16));
      curve.further[0].second.push_back(steps == 0 ? tolerance : std::nan(""));
      curve.further[1].second.push_back(static_cast<double>(steps));
    };
    if (has_error_estimate(parse_stepper(name)))
      for (const double tolerance : tolerances(10)) measure(tolerance, 0);
    else
      for (Index steps = 1; steps <= 256; steps *= 2) measure(0, steps);
    if (!curve.x.empty()) out.curves.push_back(std::move(curve));
  }
  out.summary = costs(out.curves, {1e-2, 1e-4, 1e-6, 1e-8}, "NFE for an error of z(0) of");
  return out;
}

namespace {

template <class S> void add_tolerance_curves(const Flow<S>& flow, const StudySubject& s, const RowVector<double>& exact,
                                             const std::string& precision, StudyChart& to) {
  StudyCurve mean{.label = "mean, " + precision, .further = {{"nfe", {}}}}, largest = mean;
  largest.label = "largest, " + precision;
  EvaluationOptions o{.threads = s.threads};
  for (const double tolerance : tolerances(10)) {
    o.solver.rtol = o.solver.atol = tolerance;
    LogProb<S> got;
    if (!succeeds([&] { got = flow.log_prob(s.x, s.c, o); })) continue;
    const RowVector<double> error = (got.log_prob - exact).cwiseAbs();
    for (auto* curve : {&mean, &largest}) {
      curve->x.push_back(tolerance);
      curve->y.push_back(std::max(curve == &mean ? error.mean() : error.maxCoeff(), 1e-16));
      curve->further[0].second.push_back(got.nfe);
    }
  }
  for (auto* curve : {&mean, &largest})
    if (!curve->x.empty()) to.curves.push_back(std::move(*curve));
}

}  // namespace

StudyChart study_tolerances(const StudySubject& s) {
  StudyChart out{.name = "log_density_against_tolerance",
                 .title = "error of log p against tolerance",
                 .x_name = "tolerance",
                 .y_name = "error",
                 .x = {.label = "rtol = atol of dopri5", .scale = kLog},
                 .y = {.label = "error of log p / nats", .scale = kLog},
                 .curves = {}};
  const EvaluationOptions exactly{.solver = exact_solver(), .threads = s.threads};
  const RowVector<double> exact = s.model.flow.log_prob(s.x, s.c, exactly).log_prob;
  add_tolerance_curves(s.model.flow, s, exact, "double", out);
  add_tolerance_curves(s.single.flow, s, exact, "float", out);
  out.summary = fmt::format("{:<26}{:>10}{:>10}{:>10}\n", "error of log p at tolerance", "1e-03", "1e-05", "1e-07");
  for (const auto& curve : out.curves) {
    out.summary += fmt::format("  {:<24}", curve.label);
    for (const double at : {1e-3, 1e-5, 1e-7}) {
      double value = std::nan("");
      for (std::size_t i = 0; i < curve.x.size(); ++i)
        if (std::abs(std::log(curve.x[i] / at)) < 1e-6) value = curve.y[i];
      out.summary += fmt::format("{:>10}", std::isnan(value) ? "-" : fmt::format("{:.1e}", value));
    }
    out.summary += "\n";
  }
  return out;
}

StudyChart study_gradients(const StudySubject& s) {
  StudyChart out{.name = "gradient_against_cost",
                 .title = "error of the gradient against its cost",
                 .x_name = "nfe",
                 .y_name = "relative_error",
                 .x = {.label = "evaluations, forward and back", .scale = kLog},
                 .y = {.label = "relative error of the gradient", .scale = kLog},
                 .curves = {}};
  const Index n = std::min<Index>(64, s.x.cols());
  const Matrix<double> x = s.x.leftCols(n), c = s.c.rows() > 0 ? Matrix<double>(s.c.leftCols(n)) : Matrix<double>(0, 0);
  const Vector<double> exact =
      nll_gradient(s.model.flow, x, c, {.solver = exact_solver(), .tile = 0, .threads = s.threads}).theta;
  for (const auto& name : adjoint_names()) {
    StudyCurve curve{.label = name, .further = {{"tolerance", {}}, {"seconds", {}}}};
    for (const double tolerance : tolerances(8)) {
      GradientOptions o{.solver = {.rtol = tolerance, .atol = tolerance}, .tile = 0, .threads = s.threads};
      o.adjoint = parse_adjoint(name);
      NllGradient got;
      const double begin = seconds_now();
      if (!succeeds([&] { got = nll_gradient(s.model.flow, x, c, o); })) continue;
      curve.x.push_back(got.nfe + got.backward_nfe);
      curve.y.push_back(std::max((got.theta - exact).norm() / exact.norm(), 1e-16));
      curve.further[0].second.push_back(tolerance), curve.further[1].second.push_back(seconds_now() - begin);
    }
    if (!curve.x.empty()) out.curves.push_back(std::move(curve));
  }
  out.summary = costs(out.curves, {1e-2, 1e-3, 1e-4, 1e-6}, "NFE for a gradient error of");
  return out;
}

StudyChart study_training(const StudySubject& s) {
  StudyChart out{.name = "nfe_through_training",
                 .title = "evaluations through the training",
                 .x_name = "iteration",
                 .y_name = "nfe",
                 .x = {.label = "iteration"},
                 .y = {.label = "evaluations of the field (NFE)"},
                 .curves = {}};
  StudyCurve training{.label = "forward, of a batch"}, backward{.label = "back, of a batch"},
      evaluation{.label = "validation"};
  for (const auto& text : s.metrics) {
    const auto line = read_metrics_line(text);
    if (line.contains("event")) continue;
    const double iteration = metric(line, "iteration");
    for (auto& [curve, key] :
         {std::pair{&training, "nfe"}, {&backward, "backward_nfe"}, {&evaluation, "evaluation_nfe"}})
      if (const double nfe = metric(line, key); std::isfinite(nfe) && nfe > 0)  // flow matching solves nothing
        curve->x.push_back(iteration), curve->y.push_back(nfe);
  }
  for (auto* curve : {&training, &backward, &evaluation})
    if (!curve->x.empty()) out.curves.push_back(std::move(*curve));
  if (out.curves.empty()) {
    out.summary = "NFE through training: the model has no metrics of its training\n";
    return out;
  }
  out.summary = fmt::format("{:<26}{:>10}{:>10}\n", "NFE through training", "first", "last");
  for (const auto& curve : out.curves)
    out.summary += fmt::format("  {:<24}{:>10.0f}{:>10.0f}\n", curve.label, curve.y.front(), curve.y.back());
  return out;
}

StudyChart study_residual_network(const StudySubject& s) {
  StudyChart out{.name = "residual_network",
                 .title = "residual network of K layers against the ODE",
                 .x_name = "layers",
                 .y_name = "relative_error",
                 .x = {.label = "layers K of one field", .scale = kLog},
                 .y = {.label = "relative error", .scale = kLog},
                 .curves = {}};
  const auto& block = *s.model.flow.blocks().front();
  if (block.field->condition_dim() > 0) {
    out.summary = "residual network: the field has a condition, which a residual network has not\n";
    return out;
  }
  const Index n = std::min<Index>(64, s.x.cols()), d = block.dim();
  Matrix<double> h0(d, n);
  Engine engine = make_stream(0, "study.residual");
  fill_normal<double>(engine, h0);
  Odeint<double> ode({.solver = {.rtol = kExact, .atol = kExact}, .threads = s.threads});
  const Matrix<double> states = ode.solve(*block.field, h0, {block.base_time(), block.data_time()});
  const Matrix<double> end = states.rightCols(n);
  Matrix<double> bar = Matrix<double>::Zero(d, 2 * n);
  bar.rightCols(n) = 2.0 / static_cast<double>(d * n) * end;
  const auto exact = ode.pullback(*block.field, bar);

  StudyCurve state{.label = "last state"}, by_x{.label = "dL/dx, the adjoint"}, by_theta{.label = "dL/dtheta"};
  const std::shared_ptr<VectorField<double>> field = block.field->clone();
  for (Index layers = 4; layers <= 512; layers *= 2) {
    ResidualOptions o{.regressor = {.inputs = d, .outputs = d, .readout = RegressorOptions::Readout::first},
                      .blocks = layers,
                      .step = (block.data_time() - block.base_time()) / static_cast<double>(layers),
                      .t0 = block.base_time()};
    ResidualNetwork<double> network({field}, o);
    const Matrix<double> last = network.predict(h0);
    const auto& gradient = network.gradient(h0, Matrix<double>::Zero(d, n), {});
    const std::pair<StudyCurve*, double> errors[] = {
        {&state, (last - end).norm() / end.norm()},
        {&by_x, (gradient.x - exact.z0).norm() / exact.z0.norm()},
        {&by_theta, (gradient.theta - exact.theta).norm() / exact.theta.norm()}};
    for (const auto& [curve, error] : errors)
      if (std::isfinite(error))
        curve->x.push_back(static_cast<double>(layers)), curve->y.push_back(std::max(error, 1e-16));
  }
  out.curves = {std::move(state), std::move(by_x), std::move(by_theta)};
  out.summary = fmt::format("{:<26}{:>10}\n", "residual network", "slope");
  for (const auto& curve : out.curves)
    out.summary += fmt::format("  {:<24}{:>10.2f}\n", curve.label, slope(curve, 1e-13));
  return out;
}

}  // namespace pathline
