#include "pathline/objective/flow_matching.hpp"

#include <cmath>
#include <numbers>

#include <boost/math/special_functions/erf.hpp>

#include "core/option_check.hpp"
#include "core/tile.hpp"
#include "pathline/core/parallel.hpp"

namespace pathline {
namespace {

constexpr Index kGroups = 16;  // of partial gradients; they are added in a fixed order for any number of threads

// Writes f_bar = weight (f - target), and adds up the loss.
template <class S> class RegressionRule final : public CotangentRule<S> {
 public:
  RegressionRule(const Matrix<S>& target, S weight) : target_(target), weight_(weight) {}
  void operator()(ConstMatrixRef<S> f, ConstMatrixRef<S>, MatrixRef<S> f_bar, MatrixRef<S>) override {
    f_bar = f - target_;
    squares = static_cast<double>(f_bar.squaredNorm());
    f_bar *= weight_;
  }
  double squares = 0;

 private:
  const Matrix<S>& target_;
  S weight_;
};

// The coefficients of z = a z0 + b z1 and of its derivative by s.
struct PathCoefficients {
  double a, b, da, db;
};

PathCoefficients path_at(MatchingPath path, double s) {
  if (path == MatchingPath::linear) return {1 - s, s, -1, 1};
  const double w = std::numbers::pi / 2;
  return {std::cos(w * s), std::sin(w * s), -w * std::sin(w * s), w * std::cos(w * s)};
}

double sampled_time(TimeSampling law, double u) {
  if (law == TimeSampling::uniform) return u;
  const double inside = std::clamp(u, 1e-12, 1 - 1e-12);
  const double normal = -std::sqrt(2.0) * boost::math::erfc_inv(2 * inside);
  return 1 / (1 + std::exp(-normal));
}

template <class S> struct MatchingWorker {
  Workspace<S> workspace;
  Matrix<S> z, target, c, c_bar, z_bar, f;
};

}  // namespace

const std::vector<std::string>& matching_path_names() {
  static const std::vector<std::string> names = {"linear", "variance_preserving"};
  return names;
}

const std::vector<std::string>& time_sampling_names() {
  static const std::vector<std::string> names = {"uniform", "logit_normal"};
  return names;
}

template <class S> struct FlowMatching<S>::Impl {
  explicit Impl(const MatchingOptions& o) : options(o) {
    require(o.sigma >= 0 && std::isfinite(o.sigma), "sigma", o.sigma, ">= 0");
    require(o.tile >= 1, "tile", o.tile, ">= 1");
  }

  double run_tile(const Cnf<S>& cnf, const Flow<S>& flow, ConstMatrixRef<double> c, std::uint64_t iteration,
                  const Tiles& tiles, Index tile, MatchingWorker<S>& w, Vector<S>& theta_bar) {
    const Index begin = tiles.begin(tile), batch = tiles.batch(tile);
    Engine engine = make_stream(options.seed, "matching.tile", iteration, static_cast<std::uint64_t>(tile));
    const double u = (static_cast<double>(tile) + uniform(engine)) / static_cast<double>(tiles.count());
    const double s = sampled_time(options.time_sampling, u);
    const auto at = path_at(options.path, s);
    const bool reversed = cnf.clock == FieldClock::data_to_base;
    // dz/dt is u / T on our clock and -u / T on FFJORD's.
    const double speed = (reversed ? -1 : 1) / cnf.end_time;
    const auto z1 = data.middleCols(begin, batch);
    w.z.resize(flow.dim(), batch), w.target.resize(flow.dim(), batch);
    for (Index i = 0; i < batch; ++i) {
      const auto z0 = base.col(partner[static_cast<std::size_t>(begin + i)]);
      w.z.col(i) = S(at.a) * z0 + S(at.b) * z1.col(i);
      w.target.col(i) = S(speed * at.da) * z0 + S(speed * at.db) * z1.col(i);
    }
    if (options.sigma > 0)
      for (S& v : w.z.reshaped()) v += static_cast<S>(options.sigma * normal(engine));
    w.c = flow.standardized_condition(c, begin, batch);
    w.c_bar.setZero(w.c.rows(), w.c.cols());
    w.z_bar.resize(flow.dim(), batch), w.f.resize(flow.dim(), batch);
    const double scale = cnf.end_time * cnf.end_time / static_cast<double>(flow.dim() * tiles.n);
    RegressionRule<S> rule(w.target, static_cast<S>(2 * scale));
    double unused = 0;
    Matrix<S> none(flow.dim(), 0);
    cnf.field->tangents_and_pullback({cnf.at(s * cnf.end_time), w.z, w.c}, {}, rule, w.f, none,
                                     {w.z_bar, w.c_bar, theta_bar, &unused}, w.workspace);
    return scale * rule.squares;
  }

  MatchingOptions options;
  std::vector<MatchingWorker<S>> workers;
  Matrix<S> base, data;
  std::vector<Index> partner;
  std::vector<Vector<S>> theta;
  std::vector<double> loss;
};

template <class S>
FlowMatching<S>::FlowMatching(const MatchingOptions& o) : impl_(std::make_unique<Impl>(o)) {}
template <class S> FlowMatching<S>::~FlowMatching() = default;

template <class S> void FlowMatching<S>::check(const Flow<S>& flow) const {
  if (flow.chain.size() != 1 || flow.blocks().size() != 1)
    throw InputError("flow matching needs a flow of one block, without batch norms or other transforms");
  if (impl_->options.coupling == Coupling::optimal_transport && flow.condition_dim() > 0)
    throw InputError(
        "coupling = optimal_transport would pair samples of different conditions; use independent for a conditional "
        "flow");
}

template <class S>
MatchingGradient FlowMatching<S>::operator()(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                             std::uint64_t iteration) {
  auto& m = *impl_;
  check(flow);
  const auto& cnf = *flow.blocks().front();
  const Tiles tiles{x.cols(), m.options.tile};
  m.data = flow.standardized(x);
  Matrix<double> draws(flow.dim(), x.cols());
  Engine engine = make_stream(m.options.seed, "matching.base", iteration);
  flow.base->sample(engine, draws, flow.standardized_condition(c).template cast<double>());
  m.base = draws.template cast<S>();
  m.partner = couple(m.options.coupling, m.base.template cast<float>(), m.data.template cast<float>(),
                     m.options.threads);

  const Index groups = std::min(kGroups, tiles.count());
  m.theta.resize(static_cast<std::size_t>(groups)), m.loss.assign(static_cast<std::size_t>(groups), 0);
  while (static_cast<int>(m.workers.size()) < thread_count(m.options.threads)) m.workers.emplace_back();
  parallel_for(groups, m.options.threads, [&](Index g, int id) {
    auto& theta = m.theta[static_cast<std::size_t>(g)];
    theta.setZero(cnf.field->theta().size());
    for (Index tile = tiles.count() * g / groups; tile < tiles.count() * (g + 1) / groups; ++tile)
      m.loss[static_cast<std::size_t>(g)] +=
          m.run_tile(cnf, flow, c, iteration, tiles, tile, m.workers[static_cast<std::size_t>(id)], theta);
  });
  const auto at = flow.layout();
  MatchingGradient out;
  out.theta.setZero(at.size);
  for (Index g = 0; g < groups; ++g) {
    out.loss += m.loss[static_cast<std::size_t>(g)];
    const auto& theta = m.theta[static_cast<std::size_t>(g)];
    out.theta.segment(at.chain[0], theta.size()) += theta.template cast<double>();
  }
  return out;
}

template class FlowMatching<float>;
template class FlowMatching<double>;

}  // namespace pathline
