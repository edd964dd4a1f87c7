#include <optional>
#include <utility>

#include "objective/batch_weights.hpp"
#include "pathline/objective/objective.hpp"

namespace pathline {
namespace {

template <class S> class Matching final : public Objective<S> {
 public:
  explicit Matching(const MatchingOptions& options) : options_(options), matching_(std::in_place, options) {}

  std::string kind() const override { return "flow_matching"; }
  void set_threads(int threads) override { options_.threads = threads, matching_.emplace(options_); }

  void check(const Flow<S>& flow) const override { matching_->check(flow); }

  ObjectiveGradient operator()(const Flow<S>& flow, const Batch& batch, Index iteration) override {
    refuse_weights(batch, kind());
    auto g = (*matching_)(flow, batch.x, batch.c, static_cast<std::uint64_t>(iteration));
    return {.loss = g.loss, .theta = std::move(g.theta)};
  }

 private:
  MatchingOptions options_;
  std::optional<FlowMatching<S>> matching_;
};

}  // namespace

template <class S> std::unique_ptr<Objective<S>> flow_matching(const MatchingOptions& options) {
  return std::make_unique<Matching<S>>(options);
}

template std::unique_ptr<Objective<float>> flow_matching<float>(const MatchingOptions&);
template std::unique_ptr<Objective<double>> flow_matching<double>(const MatchingOptions&);

}  // namespace pathline
