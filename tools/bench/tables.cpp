// The tables of README.md beside this file, each with its limit measured in the same run.
//
// usage: bench_tables [steps | gradients | evaluation | hutchinson | columns | errors]...   (all of them without a
// word)
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pathline/app/figure.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/flow/error_bar.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/objective/nll_gradient.hpp"
#include "pathline/optim/adam.hpp"

namespace pathline {
namespace {

const std::string kFixture = std::string(PATHLINE_FIXTURES) + "/ffjord_8gaussians.h5";
const Matrix<double> kNone(0, 0);

// The least of several times, seconds: what the machine does when nobody else has it.
double least_time(const std::function<void()>& work, double budget = 1.5) {
  using Clock = std::chrono::steady_clock;
  double best = 1e300;
  const auto begin = Clock::now();
  for (int i = 0; i < 3 || std::chrono::duration<double>(Clock::now() - begin).count() < budget; ++i) {
    const auto start = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

// Eigen's own product of 64 x 64 by 64 x n, one core, FLOP/s.
template <class S> double eigen_rate(Index columns) {
  const Matrix<S> a = Matrix<S>::Random(64, 64), b = Matrix<S>::Random(64, columns);
  Matrix<S> c(64, columns);
  volatile S sink = 0;
  const double seconds = least_time(
      [&] {
        for (int i = 0; i < 2000; ++i) c.noalias() = a * b;
        sink = c(0, 0);
      },
      0.3);
  return 2000 * 2.0 * 64 * 64 * static_cast<double>(columns) / seconds;
}

template <class S> double step_flops(const Flow<S>& flow, const NllGradient& g, Index batch, Index tile) {
  const auto& field = *flow.blocks()[0]->field;
  const auto directions = TangentDirections<S>::identity(flow.dim());
  const double tiles = std::ceil(static_cast<double>(batch) / static_cast<double>(tile));
  // On the way back each evaluation has a pullback.
  const double each = static_cast<double>(g.report.evaluations) * field.flops(directions) +
                      static_cast<double>(g.backward.evaluations) * field.pullback_flops(directions);
  return each / tiles * static_cast<double>(batch);
}

void table_of_steps() {
  const auto flow = read_model<float>(kFixture).flow;
  const Matrix<double> x = Hdf5File::open(kFixture).read_matrix<double>("points").leftCols(100);
  fmt::print(
      "\nOne training step: FFJORD's network (64-64-64 concatsquash tanh) after its training, batch 100, float, "
      "discrete adjoint\n\n");
  fmt::print(
      "| threads | tolerance | ms | NFE forward + backward | GFLOP/s | Eigen's 64x64x150, GFLOP/s | part of it |\n"
      "|---|---|---|---|---|---|---|\n");
  for (int threads : {1, 2})
    for (double tolerance : {1e-5, 1e-4, 1e-3}) {
      const double limit = eigen_rate<float>(150) * threads;
      const GradientOptions options{.solver = {.rtol = tolerance, .atol = tolerance}, .threads = threads};
      NllGradientSolver<float> solver(options);
      NllGradient g;
      const double seconds = least_time([&] { g = solver(flow, x, kNone, 0); });
      const double rate = step_flops(flow, g, 100, options.tile) / seconds;
      fmt::print("| {} | {:.0e} | {:.2f} | {:.0f} + {:.0f} | {:.0f} | {:.0f} | {:.0f} % |\n", threads, tolerance,
                 1e3 * seconds, g.nfe, g.backward_nfe, rate / 1e9, limit / 1e9, 100 * rate / limit);
    }
}

template <class S> Vector<double> gradient(AdjointKind adjoint, double tolerance, double& ms, NllGradient& g) {
  const auto flow = read_model<S>(kFixture).flow;
  const Matrix<double> x = Hdf5File::open(kFixture).read_matrix<double>("points").leftCols(100);
  NllGradientSolver<S> solver({.solver = {.rtol = tolerance, .atol = tolerance}, .adjoint = adjoint, .threads = 0});
  ms = 1e3 * least_time([&] { g = solver(flow, x, kNone, 0); }, 0.3);
  return g.theta;
}

void table_of_gradients() {
  double ms = 0;
  NllGradient g;
  const Vector<double> reference = gradient<double>(AdjointKind::discrete, 1e-12, ms, g);
  fmt::print(
      "\nThe gradient of the mean NLL of 100 points by all parameters: |g - reference| / |reference|, the reference "
      "double at 1e-12. Tape: what a tile of 50 keeps of its forward solve.\n\n");
  fmt::print(
      "| arithmetic | tolerance | strategy | error | ms | NFE | tape, kB a tile |\n|---|---|---|---|---|---|---|\n");
  for (bool wide : {false, true})
    for (double tolerance : {1e-2, 1e-3, 5e-4, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8})
      for (auto kind : {AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve}) {
        if (!wide && tolerance < 1e-6) continue;  // below float's own rounding
        const Vector<double> got =
            wide ? gradient<double>(kind, tolerance, ms, g) : gradient<float>(kind, tolerance, ms, g);
        const double steps = static_cast<double>(g.report.accepted) / 2;
        // The start of each step, for the discrete adjoint also the rates at five of its stages.
        const double kept = kind == AdjointKind::backsolve ? 0 : kind == AdjointKind::discrete ? 6 : 1;
        const double tape = steps * kept * 50 * 2 * (wide ? 8 : 4) / 1024;
        fmt::print("| {} | {:.0e} | {} | {:.1e} | {:.2f} | {:.0f} + {:.0f} | {:.1f} |\n", wide ? "double" : "float",
                   tolerance, to_string(kind), (got - reference).norm() / reference.norm(), ms, g.nfe, g.backward_nfe,
                   tape);
      }
}

void row_of_evaluation(const std::string& name, const Flow<float>& flow, const Flow<double>& fine,
                       const SolverOptions& solver, int threads) {
  const Index n = 100000;
  const EvaluationOptions options{.solver = solver, .threads = threads};
  auto points_only = options;
  points_only.density = false;
  const Matrix<double> x = flow.sample(n, 1, points_only).points;
  double nfe = 0, samples_nfe = 0;
  RowVector<double> got;
  const double density = least_time([&] {
    const auto p = flow.log_prob(x, kNone, options);
    nfe = p.nfe, got = p.log_prob;
  });
  const double samples = least_time([&] { samples_nfe = flow.sample(n, 1, points_only).nfe; });
  const RowVector<double> exact =
      fine.log_prob(x.leftCols(1000), kNone, {.solver = {.rtol = 1e-9, .atol = 1e-9}}).log_prob;
  const double error = (got.head(1000) - exact).cwiseAbs().mean();
  const auto& field = *flow.blocks()[0]->field;
  const double rate = field.flops(TangentDirections<float>::identity(2)) * nfe * static_cast<double>(n) / density;
  const double limit = eigen_rate<float>(192) * threads;
  const std::string how = solver.steps > 0 ? fmt::format("{}, {} steps", to_string(solver.stepper), solver.steps)
                                           : fmt::format("{} {:.0e}", to_string(solver.stepper), solver.rtol);
  // Fixed steps of dopri5 have some evaluations without tangents, which flops() does not know of.
  const bool quadrature = solver.steps > 0 && solver.stepper == StepperKind::dopri5;
  fmt::print("| {} | {} | {} | {:.0f} | {:.0f} | {:.1e} | {} | {:.0f} | {:.0f} |\n", name, threads, how,
             static_cast<double>(n) / density, nfe, error,
             quadrature ? "" : fmt::format("{:.0f} %", 100 * rate / limit), static_cast<double>(n) / samples,
             samples_nfe);
}

void table_of_evaluation() {
  fmt::print(
      "\nEvaluation of 100,000 points that the model drew, float; error: mean |log p - double at 1e-9|, nats\n\n");
  fmt::print(
      "| model | threads | solver | densities/s | NFE | error | part of Eigen's rate | samples/s | NFE |\n"
      "|---|---|---|---|---|---|---|---|---|\n");
  const auto narrow = read_model<float>(kFixture).flow;
  const auto wide = read_model<double>(kFixture).flow;
  for (int threads : {1, 2})
    for (double tolerance : {1e-5, 1e-3})
      row_of_evaluation("FFJORD's 8gaussians", narrow, wide, {.rtol = tolerance, .atol = tolerance}, threads);
  for (const std::string name : {"8gaussians", "8gaussians_small"}) {
    const std::string own = std::string(PATHLINE_FIXTURES) + "/../../models/" + name + ".h5";
    const auto flow = read_model<float>(own).flow;
    const auto fine = read_model<double>(own).flow;
    for (int threads : {1, 2})
      for (const auto& solver :
           {SolverOptions{.rtol = 1e-3, .atol = 1e-3}, SolverOptions{.stepper = StepperKind::cash_karp, .steps = 3},
            SolverOptions{.steps = 3}})
        row_of_evaluation("models/" + name, flow, fine, solver, threads);
  }
}

void table_of_hutchinson() {
  fmt::print("\nThe trace by one probe against the field alone: 64-64-64, 64 samples, float, one core\n\n");
  fmt::print(
      "| d | field, us | field and Hutchinson, us | ratio | field and exact trace, us | ratio "
      "|\n|---|---|---|---|---|---|\n");
  std::vector<plot::Series> curves(3);
  curves[0].label = "field", curves[1].label = "field and Hutchinson", curves[2].label = "field and exact trace";
  for (Index d : {2, 5, 10, 20, 50, 100, 200, 500, 1000}) {
    Mlp<float> mlp({.dim = d});
    Engine engine = make_stream(0, "bench");
    mlp.initialize(engine);
    Workspace<float> w;
    const Index batch = 64;
    const Matrix<float> z = Matrix<float>::Random(d, batch), none(0, 0);
    Matrix<float> f(d, batch), je(d, batch), memory, tr(1, batch);
    const auto probe = make_tangent_directions<float>({.kind = TraceKind::hutchinson}, d, batch, engine, memory);
    auto repeat = [&](const std::function<void()>& work) {
      return 1e6 *
             least_time(
                 [&] {
                   for (int i = 0; i < 20; ++i) work();
                 },
                 0.2) /
             20;
    };
    const double value = repeat([&] { mlp.value({0.3, z, none}, f, w); });
    const double hutchinson = repeat([&] {
      mlp.tangents({0.3, z, none}, probe, f, je, w);
      trace<float>(probe, je, tr);
    });
    double exact = std::nan("");
    if (d <= 200) {
      Matrix<float> all(d, d * batch);
      const auto identity = TangentDirections<float>::identity(d);
      exact = repeat([&] {
        mlp.tangents({0.3, z, none}, identity, f, all, w);
        trace<float>(identity, all, tr);
      });
    }
    fmt::print("| {} | {:.1f} | {:.1f} | {:.2f} | ", d, value, hutchinson, hutchinson / value);
    if (std::isnan(exact))
      fmt::print("| |\n");
    else
      fmt::print("{:.0f} | {:.1f} |\n", exact, exact / value);
    for (auto& [series, time] : {std::pair{&curves[0], value}, {&curves[1], hutchinson}, {&curves[2], exact}})
      series->x.push_back(static_cast<double>(d)), series->y.push_back(time);
  }
  plot::Figure figure({.panel_size = 360});
  figure.lines("64 samples, 64-64-64, one core", curves,
               {.label = "dimension", .limits = {}, .scale = plot::Scale::log},
               {.label = "microseconds", .limits = {}, .scale = plot::Scale::log});
  figure.save("hutchinson.png");
  fmt::print("\nhutchinson.png\n");
}

// Cotangents that cost nothing: the trace's are 1, the field's as given.
class UnitCotangents final : public CotangentRule<float> {
 public:
  explicit UnitCotangents(const Matrix<float>& f_bar) : f_bar_(f_bar) {}
  void operator()(ConstMatrixRef<float>, ConstMatrixRef<float>, MatrixRef<float> f_bar,
                  MatrixRef<float> p_bar) override {
    f_bar = f_bar_;
    p_bar.setOnes();
  }

 private:
  const Matrix<float>& f_bar_;
};

// Two hidden layers, whose trace has a closed form: the field with it against the field alone.
void table_of_traces(Index width, LayerType layer, const std::vector<Index>& dims) {
  fmt::print(
      "\nThe exact trace in closed form against the field alone: {0}-{0} {1} swish, 64 samples, float, "
      "one core; then both with the gradient by z and by all parameters. Tangents: the ratio "
      "along d of them\n\n"
      "| d | field, us | and trace, us | ratio | tangents | gradient of the field, us | of field and trace, us | ratio "
      "| "
      "tangents |\n|---|---|---|---|---|---|---|---|---|\n",
      width, to_string(layer));
  for (const Index d : dims) {
    Mlp<float> mlp({.dim = d, .hidden = {width, width}, .layer = layer, .activation = Activation::swish});
    Engine engine = make_stream(0, "bench");
    mlp.initialize(engine);
    Workspace<float> w;
    const Index batch = 64;
    const Matrix<float> z = Matrix<float>::Random(d, batch), none(0, 0), f_bar = Matrix<float>::Random(d, batch);
    Matrix<float> f(d, batch), p(1, batch), je(d, 0), z_bar(d, batch), c_bar(0, 0);
    Vector<float> theta_bar = Vector<float>::Zero(mlp.theta().size());
    double t_bar = 0;
    UnitCotangents rule(f_bar);
    const FieldPoint<float> x{0.3, z, none};
    auto repeat = [&](const std::function<void()>& work) {
      return 1e6 / 20 *
             least_time(
                 [&] {
                   for (int i = 0; i < 20; ++i) work();
                 },
                 0.2);
    };
    const double value = repeat([&] { mlp.value(x, f, w); });
    const double trace = repeat([&] { mlp.value_and_trace(x, f, p, w); });
    const double back = repeat([&] {
      mlp.tangents_and_pullback(x, {}, rule, f, je, {z_bar, c_bar, theta_bar, &t_bar}, w);
    });
    const double both = repeat([&] { mlp.trace_and_pullback(x, rule, f, p, {z_bar, c_bar, theta_bar, &t_bar}, w); });
    std::string slow, slow_back;
    if (d <= 20) {  // the default of a field without a closed form
      const auto tangents = [&] { mlp.VectorField<float>::value_and_trace(x, f, p, w); };
      const auto pullback = [&] {
        mlp.VectorField<float>::trace_and_pullback(x, rule, f, p, {z_bar, c_bar, theta_bar, &t_bar}, w);
      };
      slow = fmt::format("{:.2f}", repeat(tangents) / value),
      slow_back = fmt::format("{:.2f}", repeat(pullback) / back);
    }
    fmt::print("| {} | {:.1f} | {:.1f} | {:.2f} | {} | {:.1f} | {:.1f} | {:.2f} | {} |\n", d, value, trace,
               trace / value, slow, back, both, both / back, slow_back);
  }
}

// Eight Gaussians of width 0.5, their centres at distance 3 from the origin, in d dimensions.
Matrix<double> mixture_draws(Engine& engine, Index d, Index n) {
  Engine fixed = make_stream(0, "bench.centres");
  Matrix<double> centres(d, 8), x(d, n);
  fill_normal<double>(fixed, centres);
  centres = 3 * centres.colwise().normalized();
  fill_normal<double>(engine, x);
  x *= 0.5;
  for (Index i = 0; i < n; ++i) x.col(i) += centres.col(static_cast<Index>(engine() % 8));
  return x;
}

struct Trained {
  Flow<float> flow;
  double step_ms, nfe;  // of the last steps
};

// Maximum likelihood at the recipe's defaults: batch 200, tolerance 1e-3, Adam at 1e-2 with a cosine.
Trained train_on_mixture(Index d, const std::vector<Index>& hidden, int iterations) {
  auto field = std::make_shared<Mlp<float>>(MlpOptions{.dim = d, .hidden = hidden, .activation = Activation::swish});
  Engine engine = make_stream(0, "bench.train");
  field->initialize(engine, 0);
  Trained out{Flow<float>(Cnf<float>{field}), 0, 0};
  NllGradientSolver<float> solver({.solver = {.rtol = 1e-3, .atol = 1e-3}});
  Vector<double> theta = out.flow.theta();
  Adam adam(theta.size());
  NllGradient g;
  Matrix<double> x;
  for (int i = 0; i < iterations; ++i) {
    x = mixture_draws(engine, d, 200);
    g = solver(out.flow, x, kNone, static_cast<std::uint64_t>(i));
    if (g.theta.norm() > 1) g.theta.normalize();
    adam.step(theta, g.theta, 1e-2 * std::min(1.0, (i + 1) / 50.) * 0.5 * (1 + std::cos(M_PI * i / iterations)));
    out.flow.set_theta(theta);
  }
  out.step_ms = 1e3 * least_time([&] { g = solver(out.flow, x, kNone, 0); });
  out.nfe = g.nfe + g.backward_nfe;
  return out;
}

std::string widths(const std::vector<Index>& hidden) { return fmt::format("{}", fmt::join(hidden, "-")); }

void row_of_ten_columns(const std::vector<Index>& hidden, Trained& trained) {
  const Index d = 10, n = 20000;
  Engine engine = make_stream(1, "bench.test");
  const Matrix<double> x = mixture_draws(engine, d, n);
  const RowVector<double> exact = trained.flow.log_prob(x, kNone, {.solver = {.rtol = 1e-6, .atol = 1e-6}}).log_prob;
  // The fewest steps whose log-density is good to 1e-3 nats.
  for (const auto stepper : {StepperKind::cash_karp, StepperKind::dopri5})
    for (Index steps = 2; steps < 20; ++steps) {
      EvaluationOptions options{.solver = {.stepper = stepper, .steps = steps}};
      LogProb<float> got = trained.flow.log_prob(x, kNone, options);
      const double error = (got.log_prob - exact).cwiseAbs().mean();
      if (!(error < 1e-3)) continue;
      const double density = least_time([&] { got = trained.flow.log_prob(x, kNone, options); });
      options.density = false;
      const double samples = least_time([&] { (void)trained.flow.sample(n, 1, options); });
      fmt::print("| {} | {:.3f} | {}, {} steps | {:.1e} | {:.0f} | {:.0f} | {:.0f} |\n", widths(hidden), -exact.mean(),
                 to_string(stepper), steps, error, got.nfe, static_cast<double>(n) / density,
                 static_cast<double>(n) / samples);
      break;
    }
}

void table_of_columns() {
  for (const Index width : {64, 128})
    table_of_traces(width, LayerType::concatsquash, {1, 2, 5, 10, 20, 50, 100, 200, 1000});
  table_of_traces(128, LayerType::concat, {64, 200, 1000});  // without gates
  const std::vector<std::vector<Index>> all{{64, 64, 64}, {96, 96}, {128, 128}};
  fmt::print(
      "\nA training step against the number of columns: a mixture of eight Gaussians, after 300 steps of maximum "
      "likelihood, batch 200, tolerance 1e-3, float, one core\n\n"
      "| hidden layers | d | NFE | ms | against d = 2 | per evaluation, against d = 2 |\n|---|---|---|---|---|---|\n");
  std::vector<Trained> of_ten;
  for (const auto& hidden : all) {
    const auto two = train_on_mixture(2, hidden, 300);
    fmt::print("| {} | 2 | {:.0f} | {:.2f} | 1 | 1 |\n", widths(hidden), two.nfe, two.step_ms);
    of_ten.push_back(train_on_mixture(10, hidden, 300));
    const auto& ten = of_ten.back();
    fmt::print("| {} | 10 | {:.0f} | {:.2f} | {:.2f} | {:.2f} |\n", widths(hidden), ten.nfe, ten.step_ms,
               ten.step_ms / two.step_ms, ten.step_ms / two.step_ms * two.nfe / ten.nfe);
  }
  fmt::print(
      "\nEvaluation at ten columns of those models: the fewest steps with a mean |log p - log p at 1e-6| of "
      "1e-3 nats or less, 20,000 points, float, one core\n\n"
      "| hidden layers | NLL | solver | error, nats | NFE | densities/s | samples/s |\n"
      "|---|---|---|---|---|---|---|\n");
  for (std::size_t i = 0; i < all.size(); ++i) row_of_ten_columns(all[i], of_ten[i]);
}

double median(RowVector<double> v) {
  std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());
  return v[v.size() / 2];
}

// Draws of the model, the last fifth of which are moved out to ten standard deviations per column.
Matrix<double> near_and_far(const Flow<double>& flow, Index n, const Matrix<double>& c) {
  Matrix<double> x = flow.sample(n, 7, {.density = false, .threads = 0}, c).points;
  Engine engine = make_stream(5, "bench.errors");
  for (Index b = 4 * n / 5; b < n; ++b) {
    Vector<double> to(flow.dim());
    for (auto& v : to) v = normal(engine);
    const double sigmas = 10 * std::max(1.0, std::sqrt(static_cast<double>(flow.dim())) / 3);
    x.col(b) = flow.in_data_units(to.normalized() * uniform(engine, 0, sigmas));
  }
  return x;
}

template <class S> void row_of_errors(const std::string& name, const Flow<S>& flow, const Matrix<double>& x,
                                      const Matrix<double>& c, const RowVector<double>& exact, double tolerance) {
  const EvaluationOptions options{.solver = {.rtol = tolerance, .atol = tolerance}, .threads = 0};
  BarredLogProb got;
  double nfe = 0;
  const double plain = least_time([&] { nfe = flow.log_prob(x, c, options).nfe; }, 0);
  const double with = least_time([&] { got = log_prob_with_error(flow, x, c, options); }, 0);
  const RowVector<double> error = (got.log_prob - exact).cwiseAbs();
  const double covered = static_cast<double>((error.array() <= got.error.array()).count());
  fmt::print("| {} | {} | {:.0e} | {:.2f} % | {:.1e} | {:.1e} | {:.1f} | {:.2f} | {:.2f} |\n", name,
             std::is_same_v<S, float> ? "float" : "double", tolerance,
             100 * covered / static_cast<double>(error.size()), median(error), median(got.error),
             median(got.error) / median(error), got.nfe / nfe, with / plain);
}

// PATHLINE_BENCH_POINTS: 100,000 points of a model take a minute of a quiet core in double at a tolerance of 1e-12.
void table_of_errors() {
  const char* asked = std::getenv("PATHLINE_BENCH_POINTS");
  const Index n = asked ? std::atol(asked) : 100000;
  fmt::print(
      "\nThe bars of `density --error` against double at a tolerance of 1e-12, {} points, of which a fifth are up to "
      "ten "
      "standard deviations away\n\n"
      "| model | arithmetic | tolerance | covered | median error | median bar | ratio | cost, NFE | cost, time "
      "|\n|---|---|---|---|---|---|---|---|---|\n",
      n);
  const std::filesystem::path models = std::string(PATHLINE_FIXTURES) + "/../../models";
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(models))
    if (entry.path().extension() == ".h5") files.insert(entry.path().string());
  for (const auto& file : files) {
    const std::string name = std::filesystem::path(file).stem().string();
    const auto narrow = read_model<float>(file).flow;
    const auto wide = read_model<double>(file).flow;
    const Index points = wide.dim() > 16 ? std::max<Index>(n / 50, 64) : n;
    Matrix<double> c(wide.condition_dim(), wide.condition_dim() > 0 ? points : 0);
    Engine engine = make_stream(6, "bench.errors");
    fill_normal<double>(engine, c);
    c = (c.array().colwise() * wide.condition_scale.array()).matrix().colwise() + wide.condition_mean;
    const auto x = near_and_far(wide, points, c);
    const SolverOptions finest{
        .stepper = StepperKind::fehlberg78, .rtol = 1e-12, .atol = 1e-12, .max_steps = 1000000};
    const auto exact = wide.log_prob(x, c, {.solver = finest, .threads = 0}).log_prob;
    for (double tolerance : {1e-6, 1e-4}) row_of_errors(name, narrow, x, c, exact, tolerance);
    for (double tolerance : {1e-6, 1e-8}) row_of_errors(name, wide, x, c, exact, tolerance);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace pathline

int main(int argc, char** argv) {
  using namespace pathline;
  const std::set<std::string> asked(argv + 1, argv + argc);
  const std::pair<const char*, void (*)()> tables[] = {
      {"steps", table_of_steps},           {"gradients", table_of_gradients}, {"evaluation", table_of_evaluation},
      {"hutchinson", table_of_hutchinson}, {"columns", table_of_columns},     {"errors", table_of_errors}};
  for (const auto& [name, print] : tables)
    if (asked.empty() || asked.count(name)) print();
}
