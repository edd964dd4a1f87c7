#include "pathline/train/distill.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "core/tile.hpp"
#include "pathline/core/importance_weights.hpp"
#include "pathline/core/parallel.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/optim/adam.hpp"
#include "pathline/optim/clip.hpp"
#include "pathline/optim/ema.hpp"
#include "verify/two_sample.hpp"

namespace pathline {
namespace {

constexpr Index kPart = 4096;           // pairs that are drawn in one call: a multiple of the tile
constexpr double kDrawingShare = 0.3;   // of the time, at most
constexpr double kLargestResidual = 3;  // nats beyond which the squared difference becomes linear (Huber 1964)

// Samples of the flow, at both ends of its chain.
template <class S> struct Pairs {
  Matrix<S> base, data;        // d x N
  RowVector<double> log_prob;  // 1 x N, at the data's end of the chain
  Matrix<double> condition;    // dc x N
  Index size() const { return base.cols(); }
};

// The flow of the chain and the base alone, without the maps to the units of the data.
template <class S> Flow<S> inner_flow(const Flow<S>& flow) {
  Flow<S> inner(flow.chain);
  inner.base = flow.base;
  inner.condition_mean = flow.condition_mean, inner.condition_scale = flow.condition_scale;
  return inner;
}

// A copy of the flow with another chain.
template <class S> Flow<S> with_chain(const Flow<S>& flow, Chain<S> chain) {
  Flow<S> out(std::move(chain));
  out.data_side = flow.data_side, out.base = flow.base;
  out.condition_mean = flow.condition_mean, out.condition_scale = flow.condition_scale;
  if (const auto* periods = flow.periods()) out.set_periods(*periods);
  return out;
}

template <class S>
Matrix<double> draw_conditions(const Flow<S>& flow, Index n, const DistillOptions& o, Index part, const char* purpose) {
  Matrix<double> c(flow.condition_dim(), n);
  Engine engine = make_stream(o.seed, purpose, static_cast<std::uint64_t>(part));
  fill_normal<double>(engine, c);
  c = (c.array().colwise() * flow.condition_scale.array()).colwise() + flow.condition_mean.array();
  if (c.rows() > 0 && o.condition_range.rows() == c.rows())
    for (Index b = 0; b < n; ++b)
      c.col(b) = c.col(b).cwiseMax(o.condition_range.col(0)).cwiseMin(o.condition_range.col(1));
  return c;
}

void check(const DistillOptions& o) {
  require(o.seconds >= 0 && std::isfinite(o.seconds), "seconds", o.seconds, ">= 0");
  require(o.iterations >= 0, "iterations", o.iterations, ">= 0");
  require(o.layers >= 0 && o.layers <= 1000, "layers", o.layers, "in [0, 1000]");
  require(o.pairs >= 1000 || o.pairs == 0, "pairs", o.pairs, ">= 1000, or 0 for automatic");
  require(o.batch >= 1, "batch", o.batch, ">= 1");
  require(o.learning_rate >= 0 && std::isfinite(o.learning_rate), "learning_rate", o.learning_rate, ">= 0");
  require(o.map_share >= 0 && o.map_share < 1, "map_share", o.map_share, "in [0, 1)");
}

void check_memory(const DistillOptions& o, Index dim, Index condition_dim) {
  const auto numbers = static_cast<double>(2 * dim + condition_dim + 1);
  require_memory("pairs", o.pairs, sizeof(double) * numbers * static_cast<double>(o.pairs));
}

template <class S> Pairs<S> draw_pairs(const Flow<S>& inner, const DistillOptions& o, double begin) {
  Pairs<S> out{Matrix<S>(inner.dim(), o.pairs), Matrix<S>(inner.dim(), o.pairs), RowVector<double>(o.pairs),
               Matrix<double>(inner.condition_dim(), o.pairs)};
  auto evaluation = o.evaluation;
  evaluation.density = true;
  Index done = 0;
  for (Index part = 0; done < o.pairs; ++part) {
    const double used = (seconds_now() - begin) / o.seconds;
    if (o.iterations == 0 && used > kDrawingShare && done >= 1000) break;
    if (o.progress) o.progress("drawing", o.iterations > 0 ? 0 : std::min(used, 1.0));
    const Index n = std::min(kPart, o.pairs - done);
    const auto c = draw_conditions(inner, n, o, part, "distill.condition");
    const auto z = inner.draw_base(n, make_stream(o.seed, "distill.base")(), evaluation.tile, part * kPart, c);
    evaluation.first = part * kPart;
    const auto drawn = inner.push(z, evaluation, c);
    out.base.middleCols(done, n) = z;
    out.data.middleCols(done, n) = drawn.points.template cast<S>();
    out.log_prob.segment(done, n) = drawn.log_prob, out.condition.middleCols(done, n) = c;
    done += n;
  }
  out.base.conservativeResize(Eigen::NoChange, done), out.data.conservativeResize(Eigen::NoChange, done);
  out.log_prob.conservativeResize(done), out.condition.conservativeResize(Eigen::NoChange, done);
  return out;
}

// The 99.99 % quantile of the absolute coordinates, at the wider end of the chain.
template <class S> double fitting_box(const Pairs<S>& pairs) {
  double box = 1;
  for (const auto* side : {&pairs.base, &pairs.data}) {
    std::vector<S> size(side->data(), side->data() + side->size());
    for (auto& x : size) x = std::abs(x);
    const auto at = size.begin() + static_cast<std::ptrdiff_t>(0.9999 * static_cast<double>(size.size() - 1));
    std::nth_element(size.begin(), at, size.end());
    box = std::max(box, static_cast<double>(*at));
  }
  return box;
}

template <class S> Chain<S> make_couplings(const Flow<S>& flow, const DistillOptions& o, double box) {
  Engine engine = make_stream(o.seed, "distill.initialize");
  auto options = o.coupling;
  options.kind = CouplingKind::spline, options.dim = flow.dim(), options.condition_dim = flow.condition_dim();
  options.box = box;
  Chain<S> chain;
  for (auto& moved : alternating_halves(flow.dim(), o.layers, engine)) {
    options.moved = std::move(moved);
    chain.add(CouplingLayer<S>(options)).initialize(engine);
    if (chain.size() == 1)
      require_memory("layers", o.layers, training_bytes(static_cast<double>(o.layers * chain.parameter_count())));
  }
  return chain;
}

enum class Loss { map, density };

// The mean loss of a batch of pairs, and its gradient by the parameters of the chain.
template <class S> class Regression {
 public:
  Regression(const Pairs<S>& pairs, const Flow<S>& student, const DistillOptions& o)
      : pairs_(pairs), student_(student), threads_(o.evaluation.threads) {
    workers_.resize(static_cast<std::size_t>(thread_count(threads_)));
  }

  double operator()(Loss loss, const std::vector<Index>& batch, Vector<double>& gradient) {
    const Tiles tiles{std::ssize(batch), tile_size(0, std::ssize(batch))};
    const Index size = student_.chain.parameter_count();
    std::vector<double> losses(static_cast<std::size_t>(tiles.count()));
    partial_.resize(losses.size());
    parallel_for(tiles.count(), threads_, [&](Index tile, int id) {
      const auto t = static_cast<std::size_t>(tile);
      partial_[t].setZero(size);
      const std::vector<Index> some(batch.begin() + tiles.begin(tile),
                                    batch.begin() + tiles.begin(tile) + tiles.batch(tile));
      losses[t] = run_tile(loss, some, workers_[static_cast<std::size_t>(id)], partial_[t]);
    });
    gradient.setZero(size);
    for (const auto& part : partial_) gradient += part;  // in the order of the tiles, not of the threads
    gradient /= static_cast<double>(tiles.n);
    return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(tiles.n);
  }

 private:
  struct Worker {
    TransformScratch<S> scratch;
    ChainTape<S> tape;
  };

  double run_tile(Loss loss, const std::vector<Index>& points, Worker& w, Vector<double>& theta_bar) const {
    const Index n = std::ssize(points);
    const Matrix<S> c = student_.standardized_condition(pairs_.condition(Eigen::all, points));
    const TransformContext<S> context{w.scratch, solve_, c};
    Matrix<S> c_bar = Matrix<S>::Zero(c.rows(), n);
    const bool map = loss == Loss::map;
    Matrix<S> z = (map ? pairs_.base : pairs_.data)(Eigen::all, points);
    RowVector<double> log_det = RowVector<double>::Zero(n), log_det_bar = log_det;
    student_.chain.apply(map ? Direction::base_to_data : Direction::data_to_base, z, &log_det, context, &w.tape);
    const double value =
        map ? map_loss(points, z) : density_loss(points, c.template cast<double>(), log_det, z, log_det_bar);
    student_.chain.pullback(w.tape, {z, log_det_bar, theta_bar, c_bar}, context);
    return value;
  }

  // |f(z) - x|^2 / d; z, on entry f(z), becomes its cotangent.
  double map_loss(const std::vector<Index>& points, Matrix<S>& z) const {
    const double d = static_cast<double>(z.rows());
    const Matrix<double> off = (z - pairs_.data(Eigen::all, points)).template cast<double>();
    z = (2 / d * off).template cast<S>();
    return off.squaredNorm() / d;
  }

  double density_loss(const std::vector<Index>& points, const Matrix<double>& c, const RowVector<double>& log_det,
                      Matrix<S>& z, RowVector<double>& log_det_bar) const {
    const Matrix<double> z0 = z.template cast<double>();
    const RowVector<double> log_q = student_.base->log_density(z0, c) + log_det;
    double sum = 0;
    for (Index b = 0; b < z.cols(); ++b) {
      const double off = log_q[b] - pairs_.log_prob[points[static_cast<std::size_t>(b)]], size = std::abs(off);
      const bool square = size <= kLargestResidual;
      sum += -log_q[b] + (square ? off * off / 2 : kLargestResidual * (size - kLargestResidual / 2));
      log_det_bar[b] = -1 + (square ? off : std::copysign(kLargestResidual, off));
    }
    Matrix<double> z_bar(z.rows(), z.cols());
    Vector<double> none;
    student_.base->pullback(z0, c, 1, z_bar, none);
    z = (z_bar.array().rowwise() * log_det_bar.array()).matrix().template cast<S>();
    return sum;
  }

  const Pairs<S>& pairs_;
  const Flow<S>& student_;
  int threads_;
  SolveOptions<S> solve_;
  std::vector<Worker> workers_;
  std::vector<Vector<double>> partial_;
};

// The indices of the pairs in random order; a new order begins after the last pair.
class Shuffle {
 public:
  Shuffle(Index n, std::uint64_t seed)
      : engine_(make_stream(seed, "distill.batch")), order_(static_cast<std::size_t>(n)) {
    std::iota(order_.begin(), order_.end(), Index{0});
  }
  std::vector<Index> next(Index batch) {
    std::vector<Index> out;
    for (Index i = 0; i < batch; ++i, ++at_) {
      if (at_ == order_.size()) at_ = 0;
      const auto left = static_cast<Index>(order_.size() - at_);
      std::swap(order_[at_], order_[at_ + static_cast<std::size_t>(uniform_index(engine_, left))]);
      out.push_back(order_[at_]);
    }
    return out;
  }

 private:
  Engine engine_;
  std::vector<Index> order_;
  std::size_t at_ = 0;
};

// The learning rate as a fraction of the highest: a short warm-up in each stage, times half a cosine over all stages.
double rate_at(double done, double stage_begin) {
  constexpr double kWarmup = 0.02;
  return std::min((done - stage_begin) / kWarmup + 0.01, 1.0) * (0.5 + 0.5 * std::cos(M_PI * std::min(done, 1.0)));
}

// Trains the chain of the student; returns the number of iterations.
template <class S> Index train(Flow<S>& student, const Pairs<S>& pairs, const DistillOptions& o, double begin) {
  const double start = seconds_now(), left = std::max(begin + o.seconds - start, 0.1 * o.seconds);
  Regression<S> regression(pairs, student, o);
  Shuffle shuffle(pairs.size(), o.seed);
  Vector<double> theta = student.chain.theta(), gradient;
  Adam adam(theta.size());
  Ema ema(0.998, theta);
  Loss loss = o.map_share > 0 ? Loss::map : Loss::density;
  double stage_begin = 0;
  Index i = 0;
  for (;; ++i) {
    const double done =
        o.iterations > 0 ? static_cast<double>(i) / static_cast<double>(o.iterations) : (seconds_now() - start) / left;
    if (done >= 1) break;
    if (loss == Loss::map && done >= o.map_share) {
      loss = Loss::density, stage_begin = done;
      adam = Adam(theta.size());
    }
    const double value = regression(loss, shuffle.next(std::min(o.batch, pairs.size())), gradient);
    const double norm = clip_norm(gradient, 5);
    if (!std::isfinite(value) || !std::isfinite(norm))
      throw NumericalError(fmt::format("iteration {}: the {} is not finite: use a smaller learning rate", i + 1,
                                       std::isfinite(value) ? "gradient" : "loss"));
    adam.step(theta, gradient, o.learning_rate * rate_at(done, stage_begin));
    student.chain.set_theta(theta);
    ema.update(theta);
    if (o.progress && i % 50 == 0) o.progress(loss == Loss::map ? "map" : "density", done);
  }
  student.chain.set_theta(ema.average());
  return i;
}

// Densities a second on one core.
template <class S>
double rate_of(const Flow<S>& flow, const Matrix<double>& x, const Matrix<double>& c, EvaluationOptions options) {
  options.threads = 1;
  const double begin = seconds_now();
  Index done = 0;
  double took = 0;
  do {
    (void)flow.log_prob(x, c, options);
    done += x.cols(), took = seconds_now() - begin;
  } while (took < 0.3);
  return static_cast<double>(done) / took;
}

}  // namespace

DistillOptions with_defaults(DistillOptions o, Index dim) {
  const bool few = dim <= 3;
  if (o.layers == 0) o.layers = few ? 8 : 12;
  if (o.pairs == 0) o.pairs = few ? 200'000 : std::clamp<Index>(20'000'000 / dim, 1000, 400'000);
  if (o.seconds == 0) o.seconds = few ? 60 : 300;
  if (o.learning_rate == 0) o.learning_rate = few ? 3e-3 : 5e-3;
  return o;
}

template <class S> Distilled<S> distill(const Flow<S>& flow, const DistillOptions& given) {
  check(given);
  const DistillOptions options = with_defaults(given, flow.dim());
  check_memory(options, flow.dim(), flow.condition_dim());
  refuse_ensemble(flow, "distill");
  if (flow.end_time() == 0) throw InputError("the flow solves no ODE: its density is in closed form already");
  if (flow.base->kind() == BaseKind::uniform)
    throw InputError("the base is uniform: couplings cannot carry the edges of its box; use a model with another base");
  const double begin = seconds_now();
  const Flow<S> inner = inner_flow(flow);
  const Pairs<S> pairs = draw_pairs(inner, options, begin);
  Distilled<S> out{flow, pairs.size(), 0, options.coupling.box > 0 ? options.coupling.box : fitting_box(pairs)};
  out.flow = with_chain(flow, make_couplings(flow, options, out.box));
  out.iterations = train(out.flow, pairs, options, begin);
  return out;
}

template <class S> DistillComparison compare_distilled(const Flow<S>& original, const Flow<S>& distilled,
                                                       const DistillOptions& o, Index n) {
  require(n >= 1000, "n", n, ">= 1000");
  const auto& evaluation = o.evaluation;
  const auto c = draw_conditions(original, n, o, 0, "distill.comparison.condition");
  const auto seed = [&](std::uint64_t i) { return make_stream(o.seed, "distill.comparison", i)(); };
  const auto of_p = original.sample(n, seed(0), evaluation, c), of_q = distilled.sample(n, seed(1), evaluation, c);
  const RowVector<double> q_at_p = distilled.log_prob(of_p.points, c, evaluation).log_prob;
  const RowVector<double> p_at_q = original.log_prob(of_q.points, c, evaluation).log_prob;
  const RowVector<double> off = q_at_p - of_p.log_prob;
  DistillComparison out{.points = n};
  out.mean_difference = off.cwiseAbs().mean(), out.largest_difference = off.cwiseAbs().maxCoeff(), out.kl = -off.mean();
  out.ess_to_distilled = ImportanceWeights(off).ess;
  out.ess_to_original = ImportanceWeights(p_at_q - of_q.log_prob).ess;
  const auto few = [&](const Matrix<double>& x) {
    Matrix<double> both(x.rows() + c.rows(), 1000);
    both.topRows(x.rows()) = original.standardized(x.leftCols(1000)).template cast<double>();
    if (c.rows() > 0) both.bottomRows(c.rows()) = original.standardized_condition(c, 0, 1000).template cast<double>();
    return both;
  };
  Engine engine = make_stream(o.seed, "distill.energy");
  const auto energy = energy_test(few(of_p.points), few(of_q.points), engine, 1000);
  out.energy = energy.statistic, out.energy_p = energy.p;
  const Index timed = 1024;
  out.original_rate =
      rate_of<S>(original, of_p.points.leftCols(timed < n ? timed : n), c.leftCols(timed < n ? timed : n), evaluation);
  out.distilled_rate = rate_of<S>(distilled, of_p.points, c, evaluation);
  return out;
}

#define PATHLINE_INSTANTIATE(S)                                            \
  template Distilled<S> distill<S>(const Flow<S>&, const DistillOptions&); \
  template DistillComparison compare_distilled<S>(const Flow<S>&, const Flow<S>&, const DistillOptions&, Index);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
