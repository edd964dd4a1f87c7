#include <algorithm>
#include <optional>
#include <utility>

#include "core/option_check.hpp"
#include "pathline/objective/objective.hpp"
#include "pathline/objective/reverse_kl.hpp"

namespace pathline {
namespace {

// Uses as many draws of the flow as the batch has samples; the data of the batch is not used.
template <class S> class ReverseKl final : public Objective<S> {
 public:
  ReverseKl(Target target, const ReverseKlOptions& options)
      : target_(std::move(target)),
        options_(options.gradient),
        solver_(std::in_place, target_, options_),
        anneal_(options.anneal) {
    require(anneal_ > 0 && anneal_ <= 1, "anneal", anneal_, "in (0, 1]");
    require(options_.parameters, "gradient.parameters", false, "true; otherwise nothing is trained");
  }

  std::string kind() const override { return "reverse_kl"; }
  void check(const Flow<S>& flow) const override { solver_->check(flow); }
  void set_threads(int threads) override { options_.threads = threads, solver_.emplace(target_, options_); }
  void set_iterations(Index first, Index count) override { first_ = first, count_ = count; }
  bool needs_data() const override { return false; }
  const Target* target() const override { return &target_; }

  ObjectiveGradient operator()(const Flow<S>& flow, const Batch& batch, Index iteration) override {
    auto g = (*solver_)(flow, batch.x.cols(), static_cast<std::uint64_t>(iteration), power(iteration));
    return {.loss = g.loss, .theta = std::move(g.theta), .nfe = g.nfe, .backward_nfe = g.backward_nfe};
  }

  std::vector<double> first_steps() const override { return solver_->first_steps(); }
  void set_first_steps(std::vector<double> steps) override { solver_->set_first_steps(std::move(steps)); }

 private:
  // The power of the annealed target, which rises from `anneal` to 1 within the first three quarters of the iterations.
  double power(Index iteration) const {
    if (count_ == 0) return 1;
    const double part = static_cast<double>(iteration - first_) / (0.75 * static_cast<double>(count_));
    return std::min(1.0, anneal_ + (1 - anneal_) * part);
  }

  Target target_;
  GradientOptions options_;
  std::optional<ReverseKlSolver<S>> solver_;
  double anneal_;
  Index first_ = 0, count_ = 0;
};

}  // namespace

template <class S> std::unique_ptr<Objective<S>> reverse_kl(Target target, const ReverseKlOptions& options) {
  return std::make_unique<ReverseKl<S>>(std::move(target), options);
}

template std::unique_ptr<Objective<float>> reverse_kl<float>(Target, const ReverseKlOptions&);
template std::unique_ptr<Objective<double>> reverse_kl<double>(Target, const ReverseKlOptions&);

}  // namespace pathline
