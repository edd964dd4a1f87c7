#include "train/held_out.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/flow/flow_mixture.hpp"

namespace pathline {

template <class S> const Target* target_instead_of(const TrainingData& data, const std::vector<Stage<S>>& stages) {
  if (!data.empty()) return nullptr;
  for (std::size_t s = 0; s < stages.size(); ++s)
    if (stages[s].objective->needs_data())
      throw InputError(fmt::format("stage {} ({}): needs data", s + 1, stages[s].objective->kind()));
  return stages.back().objective->target();
}

HeldOut::HeldOut(const TrainerOptions& options, const TrainingData& data, const Target* target)
    : options_(options),
      data_(data),
      target_(target),
      evaluation_(options.evaluation),
      validation_density_(data.log_density(data.validation(), options.threads)) {
  evaluation_.seed = options.seed, evaluation_.threads = options.threads;
}

double HeldOut::test_share() const {
  const double validation = static_cast<double>(data_.validation().x.cols());
  return validation > 0 ? static_cast<double>(data_.test().x.cols()) / validation : 1;
}

// A random stream for this purpose alone, which gives the same draws at every evaluation.
Engine HeldOut::stream(const char* purpose) const { return make_stream(options_.seed, purpose); }

namespace {

// The exact trace of a tile of B samples has d tangents of each, which are d B columns of the widest layer and of the
// result, in a workspace of each thread; and it does d times the work of one probe. A field with a closed form of it
// has no tangents, and works about twice as much as for its value. Memory and work have a bound here, far above what a
// flow needs that trains in hours. It does not look at the number of threads, on which no result may depend.
template <class S> bool can_afford_exact_trace(const Flow<S>& flow, Index points) {
  constexpr double kBytes = 1 << 28, kWork = 1e14;  // work: half an hour of one core at 50 GFLOP/s
  constexpr double kEvaluations = 50;               // of a solve
  constexpr double kCopies = 8;                     // of the values of a layer in a workspace
  if (const auto* mixture = flow.members())         // one member after the other
    return std::all_of(mixture->members().begin(), mixture->members().end(), [&](const Flow<S>& member) {
      return can_afford_exact_trace(member, points * mixture->components());
    });
  const double d = static_cast<double>(flow.dim()), tile = static_cast<double>(EvaluationOptions{}.tile);
  double width = d, tangents = 0, work = 0;
  for (const auto* block : flow.blocks()) {
    const auto& field = *block->field;
    for (const auto& p : field.parameters()) width = std::max(width, static_cast<double>(p.rows));
    if (!field.has_trace()) tangents = d;
    const double flops =
        field.has_trace() ? 2 * field.flops({}) : field.flops(TangentDirections<S>::identity(flow.dim()));
    work += kEvaluations * static_cast<double>(points) * flops;
  }
  const double bytes = kCopies * sizeof(S) * width * (1 + tangents) * tile;
  return bytes <= kBytes && work <= kWork;
}

}  // namespace

template <class S> Evaluation HeldOut::validation(const Flow<S>& flow) const {
  if (!target_)
    return evaluate(flow, data_.validation().x, data_.validation().c, evaluation_, validation_density_,
                    data_.validation_weights());
  return evaluate_target(flow, *target_, options_.validation_draws, stream("train.validation")(), evaluation_);
}

template <class S> Evaluation HeldOut::test(const Flow<S>& flow) const {
  if (target_) {
    const Index n = options_.test_draws;
    auto e = evaluate_target(flow, *target_, n, stream("train.test")(), evaluation_);
    check_for_lost_modes(flow, *target_, std::max<Index>(n, 2), stream("train.wide")(), evaluation_, e);
    return e;
  }
  const auto& test = data_.test();
  const auto density = data_.log_density(test, options_.threads);
  if (evaluation_.trace.kind == TraceKind::hutchinson && !can_afford_exact_trace(flow, test.x.cols()))
    return evaluate_by_probes(flow, test.x, test.c, evaluation_, density, data_.test_weights());
  auto exact = evaluation_;
  exact.trace = {};
  return evaluate(flow, test.x, test.c, exact, density, data_.test_weights());
}

template const Target* target_instead_of(const TrainingData&, const std::vector<Stage<float>>&);
template const Target* target_instead_of(const TrainingData&, const std::vector<Stage<double>>&);
template Evaluation HeldOut::validation<float>(const Flow<float>&) const;
template Evaluation HeldOut::validation<double>(const Flow<double>&) const;
template Evaluation HeldOut::test<float>(const Flow<float>&) const;
template Evaluation HeldOut::test<double>(const Flow<double>&) const;

}  // namespace pathline
