#include "train/flow_optimizer.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "pathline/optim/clip.hpp"

namespace pathline {
namespace {

// 1 for each parameter, but 0 for those whose names start with an entry of `frozen`.
Vector<double> trained_ones(const std::vector<Parameter>& parameters, Index size,
                            const std::vector<std::string>& frozen) {
  Vector<double> trained = Vector<double>::Ones(size);
  for (const auto& prefix : frozen) {
    bool found = prefix == "base.";  // a normal base has no parameters
    for (const auto& p : parameters)
      if (p.name.starts_with(prefix)) trained.segment(p.offset, p.size()).setZero(), found = true;
    if (found) continue;
    std::vector<std::string> names;
    for (const auto& p : parameters) names.push_back(p.name);
    throw InputError(fmt::format("frozen: no parameter's name starts with '{}'{}", prefix,
                                 names.empty() ? "" : "; did you mean '" + nearest(prefix, names) + "'?"));
  }
  return trained;
}

// Calls body(array, offset) for the mean and the variance of each batch norm, one after the other.
template <class Norms, class Body> void for_each_statistic(const Norms& norms, Body body) {
  Index offset = 0;
  for (auto* norm : norms)
    for (auto* part : {&norm->mean, &norm->variance}) body(*part, offset), offset += part->size();
}

template <class S> Vector<double> statistics(const Flow<S>& flow) {
  Vector<double> out(2 * flow.dim() * std::ssize(flow.norms()));
  for_each_statistic(flow.norms(), [&](const auto& part, Index offset) { out.segment(offset, part.size()) = part; });
  return out;
}

template <class S> Vector<double> first_steps(const Objective<S>& objective) {
  const auto steps = objective.first_steps();
  return ConstVectorMap<double>(steps.data(), std::ssize(steps));
}

}  // namespace

template <class S> FlowOptimizer<S>::FlowOptimizer(Flow<S>& flow, const TrainerOptions& options)
    : flow_(flow),
      options_(options),
      trained_(trained_ones(flow.parameters(), flow.theta().size(), options.frozen)),
      adam_(0),
      ema_(0, Vector<double>()) {
  restart(flow.theta());
}

template <class S> void FlowOptimizer<S>::restart(Vector<double> theta) {
  theta_ = std::move(theta);
  flow_.set_theta(theta_);
  adam_ = Adam(theta_.size(), options_.adam, decays());
  ema_ = Ema(options_.ema, theta_);
}

template <class S> Vector<double> FlowOptimizer<S>::decays() const {
  Vector<double> out = Vector<double>::Zero(theta_.size());
  for (const auto& p : flow_.parameters())
    if (p.decays) out.segment(p.offset, p.size()) = trained_.segment(p.offset, p.size());
  return out;
}

template <class S> void FlowOptimizer<S>::begin_stage() { restart(options_.ema > 0 ? ema_.average() : theta_); }

template <class S> double FlowOptimizer<S>::clip(Vector<double>& gradient) const {
  gradient.array() *= trained_.array();
  return clip_norm(gradient, options_.clip);
}

template <class S> void FlowOptimizer<S>::update(const ObjectiveGradient& gradient, double learning_rate) {
  adam_.step(theta_, gradient.theta, learning_rate);
  flow_.set_theta(theta_);
  if (!gradient.statistics.empty()) flow_.chain.update(gradient.statistics);
  if (options_.ema > 0) ema_.update(theta_);
}

template <class S> Flow<S> FlowOptimizer<S>::averaged() const {
  auto flow = flow_;
  if (options_.ema > 0) flow.set_theta(ema_.average());
  return flow;
}

template <class S> GoodState FlowOptimizer<S>::snapshot(Index iteration, const Objective<S>& objective) const {
  return {.iteration = iteration,
          .theta = theta_,
          .adam = adam_.state(),
          .ema = options_.ema > 0 ? ema_.state() : EmaState{},
          .first_steps = first_steps(objective),
          .statistics = statistics(flow_)};
}

template <class S> void FlowOptimizer<S>::go_back(const GoodState& state, Objective<S>& objective) {
  theta_ = state.theta;
  flow_.set_theta(theta_);
  for_each_statistic(flow_.norms(),
                     [&](auto& part, Index offset) { part = state.statistics.segment(offset, part.size()); });
  adam_.set_state(state.adam);
  if (options_.ema > 0) ema_.set_state(state.ema);
  objective.set_first_steps({state.first_steps.begin(), state.first_steps.end()});
}

template <class S> void FlowOptimizer<S>::write(TrainingState& state, const Objective<S>& objective) const {
  state.theta = theta_, state.adam = adam_.state(), state.first_steps = first_steps(objective);
  if (options_.ema > 0) state.ema = ema_.state();
}

template <class S> void FlowOptimizer<S>::restore(const TrainingState& state, Objective<S>& objective) {
  restart(state.theta);
  adam_.set_state(state.adam);
  if (state.ema.average.size() > 0) ema_.set_state(state.ema);
  objective.set_first_steps({state.first_steps.begin(), state.first_steps.end()});
}

template class FlowOptimizer<float>;
template class FlowOptimizer<double>;

}  // namespace pathline
