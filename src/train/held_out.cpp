#include "train/held_out.hpp"

#include <algorithm>

#include "pathline/train/build_flow.hpp"

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

template <class S> Evaluation HeldOut::validation(const Flow<S>& flow) const {
  if (!target_) return evaluate(flow, data_.validation().x, data_.validation().c, options_, validation_density_);
  const Index n = std::max<Index>(recipe_.data.validation_size, 1);
  return evaluate_target(flow, *target_, n, stream("train.validation")(), options_);
}

template <class S> Evaluation HeldOut::test(const Flow<S>& flow) const {
  if (target_) {
    const Index n = std::max<Index>(recipe_.data.test_size, 1);
    auto e = evaluate_target(flow, *target_, n, stream("train.test")(), options_);
    find_lost_mass(flow, *target_, std::max<Index>(n, 2), stream("train.wide")(), options_, e);
    return e;
  }
  auto exact = options_;
  exact.trace = {};
  const auto& test = data_.test();
  return evaluate(flow, test.x, test.c, exact, data_.log_density(test));
}

template Evaluation HeldOut::validation<float>(const Flow<float>&) const;
template Evaluation HeldOut::validation<double>(const Flow<double>&) const;
template Evaluation HeldOut::test<float>(const Flow<float>&) const;
template Evaluation HeldOut::test<double>(const Flow<double>&) const;

}  // namespace pathline
