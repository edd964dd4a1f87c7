// Flow matching: the field is regressed on the velocity of given paths, and nothing is solved (Lipman et al. 2023).
#pragma once

#include <memory>

#include "pathline/flow/flow.hpp"
#include "pathline/objective/coupling.hpp"

namespace pathline {

// From base z0 to data z1, s = t / T in [0, 1]. linear: z = (1 - s) z0 + s z1 (Lipman et al. 2023, eq. 22; Liu et al.
// 2023). variance_preserving: z = cos(pi s / 2) z0 + sin(pi s / 2) z1 (Albergo & Vanden-Eijnden 2023, trigonometric).
// Both plus sigma times a normal draw (Tong et al. 2023), which the velocity does not have.
enum class MatchingPath { linear, variance_preserving };
// logit_normal: sigmoid of a normal draw (Esser et al. 2024, section 3.1): more of the middle of the path.
enum class TimeSampling { uniform, logit_normal };

struct MatchingOptions {
  Coupling coupling = Coupling::independent;
  MatchingPath path = MatchingPath::linear;
  TimeSampling time_sampling = TimeSampling::uniform;
  double sigma = 0;        // >= 0
  std::uint64_t seed = 0;
  Index tile = 16;         // samples that share one time; times are stratified over the tiles
};

struct MatchingGradient {
  double loss = 0;       // mean over the batch of T^2 |f - u|^2 / d, u the path's velocity
  Vector<double> theta;  // of the flow's whole theta; the block's field has it
};

// Keeps the threads' memory between calls.
template <class S> class FlowMatching {
 public:
  explicit FlowMatching(const MatchingOptions& options);  // InputError for an option out of its range
  ~FlowMatching();

  // x: d x N, c: dc x N in the data's units. A flow of one block without batch norms (InputError for another). A
  // function of (seed, iteration), bitwise on any number of threads.
  MatchingGradient operator()(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                              std::uint64_t iteration);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class FlowMatching<float>;
extern template class FlowMatching<double>;

}  // namespace pathline
