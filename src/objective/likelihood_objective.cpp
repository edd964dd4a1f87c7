#include <cmath>
#include <optional>
#include <utility>

#include "core/option_check.hpp"
#include "objective/batch_weights.hpp"
#include "pathline/objective/objective.hpp"

namespace pathline {
namespace {

// Maximum likelihood by the adjoint, with regularizers; STEER draws the end time (Ghosh et al. 2020, eq. 5).
template <class S> class Likelihood final : public Objective<S> {
 public:
  explicit Likelihood(const LikelihoodOptions& o)
      : options_(o.gradient),
        solver_(std::in_place, o.gradient),
        needs_potential_(o.gradient.regularizers.needs_potential()),
        steer_(o.steer),
        seed_(o.gradient.seed) {
    require(o.steer >= 0 && o.steer < 1, "steer", o.steer, "in [0, 1)");
    require(o.gradient.parameters, "gradient.parameters", false, "true; otherwise nothing is trained");
  }

  std::string kind() const override { return "likelihood"; }
  void set_threads(int threads) override { options_.threads = threads, solver_.emplace(options_); }

  void check(const Flow<S>& flow) const override {
    if (flow.base->kind() == BaseKind::uniform)
      throw InputError(
          "base = uniform: the likelihood is 0 outside a box and constant inside; use another base, or train by flow "
          "matching alone");
    for (const auto* block : flow.blocks())
      if (needs_potential_ && !block->field->has_potential())
        throw InputError("regularizers.hjb needs a vector field that has a potential");
  }

  ObjectiveGradient operator()(const Flow<S>& flow, const Batch& batch, Index iteration) override {
    refuse_weights(batch, kind());
    const auto step = static_cast<std::uint64_t>(iteration);
    if (steer_ == 0) return result((*solver_)(flow, batch.x, batch.c, step));
    Flow<S> moved = flow.share();  // shares the fields, which are not changed
    Engine engine = make_stream(seed_, "train.steer", step);
    std::vector<double> stretch;
    for (auto* block : moved.blocks()) {
      stretch.push_back(uniform(engine, 1 - steer_, 1 + steer_));
      block->end_time *= stretch.back();
    }
    auto g = (*solver_)(moved, batch.x, batch.c, step);
    std::size_t solve = 0;
    const auto at = flow.chain.offsets();
    const auto blocks = flow.blocks();
    for (std::size_t i = 0; i < flow.chain.size() && solve < blocks.size(); ++i) {
      if (&flow.chain[i] != blocks[solve]) continue;
      if (blocks[solve]->train_end_time)  // the parameter is sqrt(T), and the solve had sqrt(u T)
        g.theta[at[i] + blocks[solve]->parameter_count() - 1] *= std::sqrt(stretch[solve]);
      ++solve;
    }
    return result(std::move(g));
  }

  std::vector<double> first_steps() const override { return solver_->first_steps(); }
  void set_first_steps(std::vector<double> steps) override { solver_->set_first_steps(std::move(steps)); }

 private:
  static ObjectiveGradient result(NllGradient g) {
    return {g.nll + g.penalty, std::move(g.theta), g.nfe, g.backward_nfe, std::move(g.statistics)};
  }

  GradientOptions options_;
  std::optional<NllGradientSolver<S>> solver_;
  bool needs_potential_;
  double steer_;
  std::uint64_t seed_;
};

}  // namespace

template <class S> std::unique_ptr<Objective<S>> maximum_likelihood(const LikelihoodOptions& options) {
  return std::make_unique<Likelihood<S>>(options);
}

template std::unique_ptr<Objective<float>> maximum_likelihood<float>(const LikelihoodOptions&);
template std::unique_ptr<Objective<double>> maximum_likelihood<double>(const LikelihoodOptions&);

}  // namespace pathline
