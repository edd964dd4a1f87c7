#include "pathline/adjoint/discrete.hpp"

#include <cmath>
#include <vector>

#include "flow/tile.hpp"
#include "pathline/core/error.hpp"
#include "pathline/ode/tableau.hpp"

namespace pathline {
namespace {

// Where each accepted step began.
template <class S> class Tape final : public StepObserver<S> {
 public:
  struct Entry {
    double t, h;
    Matrix<S> z;  // d x B
  };
  void accepted(const Step<S>& step) override {
    steps.push_back({step.t0, step.t1 - step.t0, step.x0->block(0)});
  }
  std::vector<Entry> steps;
};

// The cotangents of one stage: those of f and of the trace's integrand, -tr.
template <class S> class StageRule final : public CotangentRule<S> {
 public:
  StageRule(const Seeds<S>& seeds, const Matrix<S>& k_bar, S trace_bar)
      : seeds_(seeds), k_bar_(k_bar), trace_bar_(trace_bar) {}
  void operator()(ConstMatrixRef<S>, ConstMatrixRef<S> je, MatrixRef<S> f_bar, MatrixRef<S> je_bar) override {
    f_bar = k_bar_;
    if (seeds_.k == 0) return;
    RowVector<S> bar = RowVector<S>::Constant(f_bar.cols(), trace_bar_);
    trace_pullback<S>(seeds_, bar, je_bar);
    RowVector<S> tr(f_bar.cols());
    trace<S>(seeds_, je, tr);
    // <l's rate, its cotangent> = <-tr, -trace_bar>
    paired += static_cast<double>(tr.sum()) * static_cast<double>(trace_bar_);
  }
  double paired = 0;

 private:
  const Seeds<S>& seeds_;
  const Matrix<S>& k_bar_;
  S trace_bar_;
};

template <class S> struct TileResult {
  double log_prob = 0;  // summed
  Vector<S> theta;
  double end_time = 0;
  SolveReport report;
  Index backward = 0;
};

// Reverses the tape of one tile. z_bar: dL/dz at the end of the solve in, at its start out. l_bar: dL/dl of every
// sample. With every step a fixed fraction of t1 - t0: nodes are t0 + fraction (t1 - t0), h = fraction (t1 - t0), which
// gives start_bar = dL/dt0 and end_bar = dL/dt1 (both added to).
template <class S>
void reverse(const VectorField<S>& field, const Tableau& tableau, const Tape<S>& tape, const Seeds<S>& seeds,
             const Matrix<S>& c, S l_bar, double t0, double span, Matrix<S>& z_bar, Workspace<S>& w,
             TileResult<S>& result, double& start_bar, double& end_bar) {
  const std::size_t n = tableau.stages();
  const Index d = z_bar.rows(), batch = z_bar.cols();
  std::vector<Matrix<S>> stage(n, Matrix<S>(d, batch)), k(n, Matrix<S>(d, batch)), stage_bar(n, Matrix<S>(d, batch));
  Matrix<S> k_bar(d, batch), f(d, batch), c_bar = Matrix<S>::Zero(c.rows(), batch);
  Matrix<S> je(d, seeds.k * batch);
  const Seeds<S> none;
  for (std::size_t s = tape.steps.size(); s-- > 0;) {
    const auto& step = tape.steps[s];
    for (std::size_t i = 0; i < n; ++i) {
      stage[i] = step.z;
      for (std::size_t j = 0; j < i; ++j)
        if (tableau.a[i][j] != 0) stage[i] += static_cast<S>(step.h * tableau.a[i][j]) * k[j];
      if (i + 1 < n) field.value({step.t + tableau.c[i] * step.h, stage[i], c}, k[i], w);
    }
    double h_bar = 0;
    Matrix<S> start = z_bar;
    for (std::size_t i = n; i-- > 0;) {
      k_bar = static_cast<S>(step.h * tableau.b[i]) * z_bar;
      for (std::size_t j = i + 1; j < n; ++j)
        if (tableau.a[j][i] != 0) k_bar += static_cast<S>(step.h * tableau.a[j][i]) * stage_bar[j];
      // l' = -tr: its cotangent enters with b_i h, and not at all where b_i = 0.
      const bool with_trace = tableau.b[i] != 0;
      const Seeds<S>& e = with_trace ? seeds : none;
      StageRule<S> rule(e, k_bar, static_cast<S>(-step.h * tableau.b[i]) * l_bar);
      double t_bar = 0;
      const double t = step.t + tableau.c[i] * step.h;
      field.tangents_and_pullback({t, stage[i], c}, e, rule, f, je.leftCols(e.k * batch),
                                  {stage_bar[i], c_bar, result.theta, &t_bar}, w);
      ++result.backward;
      start += stage_bar[i];
      // x1 and every stage see h k_i and h g_i alone, and the node t0 + fraction * span.
      h_bar += (static_cast<double>(f.cwiseProduct(k_bar).sum()) + rule.paired) / step.h;
      start_bar += t_bar * (1 - (t - t0) / span);
      end_bar += t_bar * (t - t0) / span;
    }
    start_bar -= h_bar * step.h / span;
    end_bar += h_bar * step.h / span;
    z_bar = start;
  }
}

}  // namespace

template <class S>
NllGradient nll_gradient(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                         const GradientOptions& options) {
  const auto* tableau = find_tableau(options.solver.stepper);
  if (!tableau)
    throw InputError("solver.stepper = " + to_string(options.solver.stepper) +
                     ": has no tableau to reverse; expected dopri5, rk4, midpoint or euler");
  const auto& cnf = flow.cnf;
  const Index d = flow.dim(), n = x.cols();
  const Tiles tiles{n, options.tile};
  if (x.rows() != d || n < 1) throw InputError("batch: must have at least one point of the model's dimension");
  NllGradient out;
  out.theta = Vector<double>::Zero(cnf.field->theta().size());
  out.z.resize(d, n);
  std::vector<TileResult<S>> results(static_cast<std::size_t>(tiles.count()));
  auto workers = make_tile_workers<S>(options.solver);
  const double log_scale = flow.log_scale();
  const S weight = S(1) / static_cast<S>(n);

  parallel_for(tiles.count(), [&](Index tile, int id) {
    auto& w = workers[static_cast<std::size_t>(id)];
    auto& result = results[static_cast<std::size_t>(tile)];
    const Index begin = tiles.begin(tile), batch = tiles.batch(tile);
    result.theta = Vector<S>::Zero(cnf.field->theta().size());
    w.condition = tile_condition<S>(c, begin, batch);
    Engine engine = make_stream(options.seed, "train.probes", options.iteration, static_cast<std::uint64_t>(tile));
    const auto seeds = make_seeds<S>(options.trace, d, batch, engine, w.probes);
    auto& state = w.state;
    state.resize(Augmented<S>::layout(d, batch, true));
    state.block(0) = flow.standardized(x.middleCols(begin, batch));
    state.block(1).setZero();
    Augmented<S> system(*cnf.field, seeds, w.condition, w.workspace);
    Tape<S> tape;
    const double t0 = cnf.data_time(), t1 = cnf.base_time();
    result.report = w.solver.solve(system, state, t0, t1, &tape);
    if (!result.report.ok()) return;
    result.log_prob = standard_normal_log_density<S>(state.block(0)).sum() -
                      state.block(1).template cast<double>().sum() - static_cast<double>(batch) * log_scale;
    // NLL = mean(|z|^2 / 2 + l + constants).
    Matrix<S> z_bar = weight * state.block(0);
    double start_bar = 0, end_bar = 0;
    reverse<S>(*cnf.field, *tableau, tape, seeds, w.condition, weight, t0, t1 - t0, z_bar, w.workspace, result, start_bar,
               end_bar);
    // T is where the solve ends on FFJORD's clock, and where it begins on ours; the other end is 0.
    result.end_time = cnf.clock == FieldClock::data_to_base ? end_bar : start_bar;
    out.z.middleCols(begin, batch) = z_bar.template cast<double>();
  });
  double log_prob = 0;
  for (const auto& r : results) {
    out.report.add(r.report);
    out.backward_evaluations += r.backward;
    log_prob += r.log_prob;
    out.end_time += r.end_time;
    if (r.report.ok()) out.theta += r.theta.template cast<double>();
  }
  if (!out.report.ok()) throw NumericalError(out.report.advice());
  out.nll = -log_prob / static_cast<double>(n);
  return out;
}

template NllGradient nll_gradient<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                         const GradientOptions&);
template NllGradient nll_gradient<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                          const GradientOptions&);

}  // namespace pathline
