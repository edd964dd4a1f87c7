/// \file
/// Flow matching: a regression of the vector field on the velocity of given paths, without an ODE solve (Lipman et al.
/// 2023).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pathline/flow/flow.hpp"
#include "pathline/objective/coupling.hpp"

namespace pathline {

/// The path from the base point z0 to the data point z1, with s = t / T in [0, 1]. linear: z = (1 - s) z0 + s z1
/// (Lipman et al. 2023, eq. 22; Liu et al. 2023). variance_preserving: z = cos(pi s / 2) z0 + sin(pi s / 2) z1 (Albergo
/// & Vanden-Eijnden 2023, trigonometric). sigma times a normal draw is added to both (Tong et al. 2023); the velocity
/// does not contain it.
enum class MatchingPath { linear, variance_preserving };
[[nodiscard]] const std::vector<std::string>& matching_path_names();

/// logit_normal is the sigmoid of a normal draw (Esser et al. 2024, section 3.1) and samples the middle of the path
/// more often.
enum class TimeSampling { uniform, logit_normal };
[[nodiscard]] const std::vector<std::string>& time_sampling_names();

struct MatchingOptions {
  Coupling coupling = Coupling::independent;
  MatchingPath path = MatchingPath::linear;
  TimeSampling time_sampling = TimeSampling::uniform;
  double sigma = 0;  ///< >= 0
  std::uint64_t seed = 0;
  Index tile = 16;  ///< samples that share one time; the times are stratified over the tiles
  int threads = 1;  ///< >= 0, 0: one per core. Results do not depend on it, bit for bit
};

struct MatchingGradient {
  double loss = 0;       ///< mean over the batch of T^2 |f - u|^2 / d, u the path's velocity
  Vector<double> theta;  ///< gradient for all parameters of the flow; only those of the field are not 0
};

/// The object keeps the memory of every thread between calls.
template <class S> class FlowMatching {
 public:
  explicit FlowMatching(const MatchingOptions& options);  ///< InputError for an option out of its range
  ~FlowMatching();

  /// Throws InputError for a flow of more than one transform, and for optimal transport with a condition.
  void check(const Flow<S>& flow) const;

  /// x: d x N and c: dc x N, in the units of the data. Throws InputError as check() does. The result is a
  /// function of (seed, iteration), bitwise the same on any number of threads.
  MatchingGradient operator()(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                              std::uint64_t iteration);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class FlowMatching<float>;
extern template class FlowMatching<double>;

}  // namespace pathline
