#include "train/held_out.hpp"

#include <algorithm>

#include "pathline/core/parallel.hpp"
#include "pathline/recipe/build_flow.hpp"

namespace pathline {

HeldOut::HeldOut(const Recipe& recipe, const TrainingData& data, const std::optional<Target>& target)
    : recipe_(recipe), data_(data), target_(target),
      options_{.solver = solver_options(recipe.solver.evaluation),
               .trace = trace_options(recipe.trace),
               .seed = static_cast<std::uint64_t>(recipe.train.seed)},
      validation_density_(data.log_density(data.validation())) {}

// Draws that no other use has, the same at every evaluation.
Engine HeldOut::stream(const char* purpose) const {
  return make_stream(static_cast<std::uint64_t>(recipe_.train.seed), purpose);
}

namespace {

// The exact trace of a tile of B samples has d tangents of each, which are d B columns of the widest layer and of the
// result, in a workspace of each thread; and it does d times the work of one probe. Both have a bound here, far above
// what a flow needs that trains in hours.
template <class S> bool can_afford_exact_trace(const Flow<S>& flow, Index points) {
  constexpr double kBytes = 1 << 30, kWork = 1e14;  // work: half an hour of one core at 50 GFLOP/s
  constexpr double kEvaluations = 50, kCopies = 8;  // of a solve; of a layer's values in a workspace
  const double d = static_cast<double>(flow.dim()), tile = static_cast<double>(EvaluationOptions{}.tile);
  double width = d, work = 0;
  for (const auto* block : flow.blocks()) {
    for (const auto& p : block->field->parameters()) width = std::max(width, static_cast<double>(p.rows));
    work +=
        kEvaluations * static_cast<double>(points) * block->field->flops(TangentDirections<S>::identity(flow.dim()));
  }
  const double bytes = kCopies * sizeof(S) * width * (1 + d) * tile * static_cast<double>(thread_count());
  return bytes <= kBytes && work <= kWork;
}

}  // namespace

template <class S> Evaluation HeldOut::validation(const Flow<S>& flow) const {
  if (!target_) return evaluate(flow, data_.validation().x, data_.validation().c, options_, validation_density_);
  const Index n = std::max<Index>(recipe_.data.validation_size, 1);
  return evaluate_target(flow, *target_, n, stream("train.validation")(), options_);
}

template <class S> Evaluation HeldOut::test(const Flow<S>& flow) const {
  if (target_) {
    const Index n = std::max<Index>(recipe_.data.test_size, 1);
    auto e = evaluate_target(flow, *target_, n, stream("train.test")(), options_);
    check_for_lost_modes(flow, *target_, std::max<Index>(n, 2), stream("train.wide")(), options_, e);
    return e;
  }
  const auto& test = data_.test();
  const auto density = data_.log_density(test);
  if (options_.trace.kind == TraceKind::hutchinson && !can_afford_exact_trace(flow, test.x.cols()))
    return evaluate_by_probes(flow, test.x, test.c, options_, density);
  auto exact = options_;
  exact.trace = {};
  return evaluate(flow, test.x, test.c, exact, density);
}

template Evaluation HeldOut::validation<float>(const Flow<float>&) const;
template Evaluation HeldOut::validation<double>(const Flow<double>&) const;
template Evaluation HeldOut::test<float>(const Flow<float>&) const;
template Evaluation HeldOut::test<double>(const Flow<double>&) const;

}  // namespace pathline
