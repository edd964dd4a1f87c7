/// \file
/// What training minimizes: a loss of a batch together with its gradient.
///
/// Three objectives are here; a user's own derives from Objective and overrides kind() and operator():
///
///     // Pulls the parameters to 0; the batch is not used.
///     class Shrink final : public pathline::Objective<double> {
///      public:
///       std::string kind() const override { return "shrink"; }
///       pathline::ObjectiveGradient operator()(const pathline::Flow<double>& flow, const pathline::Batch&,
///                                              pathline::Index) override {
///         const pathline::Vector<double> theta = flow.theta();
///         return {.loss = 0.5 * theta.squaredNorm(), .theta = theta};
///       }
///     };
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/objective/flow_matching.hpp"
#include "pathline/objective/nll_gradient.hpp"
#include "pathline/objective/target.hpp"

namespace pathline {

/// The samples of one iteration, in the data's own units.
struct Batch {
  Matrix<double> x;                ///< d x B, one sample a column
  Matrix<double> c;                ///< dc x B; no rows without a condition
  RowVector<double> weights = {};  ///< 1 x B, >= 0: each sample's weight in the loss; empty: 1 for every sample
};

struct ObjectiveGradient {
  double loss = 0;
  Vector<double> theta;              ///< dloss/dtheta, P: all of Flow::theta()
  double nfe = 0, backward_nfe = 0;  ///< evaluations of the vector field, for reports; 0 if nothing is solved
  std::vector<BatchStatistics> statistics = {};  ///< for Chain::update; empty if the loss gathers none
};

template <class S> class Objective {
 public:
  virtual ~Objective() = default;

  /// One word for reports and files: "likelihood".
  virtual std::string kind() const = 0;

  /// The loss and its gradient. iteration: of the whole run, from 0; random streams are a function of it, never of the
  /// calls before. Called for iterations in rising order. NumericalError if a solve fails; InputError if the batch or
  /// the flow does not fit.
  virtual ObjectiveGradient operator()(const Flow<S>& flow, const Batch& batch, Index iteration) = 0;

  /// InputError if the objective has no gradient of a part of this flow. Called once, before the training starts.
  virtual void check(const Flow<S>&) const {}

  /// Tells which iterations of the run belong to this objective: first, ..., first + count - 1. Called once, before the
  /// training starts.
  virtual void set_iterations(Index /*first*/, Index /*count*/) {}

  /// The number of threads to use (0: one per core), which TrainerOptions::threads gives. Results may not depend on it.
  /// Called once, before the training starts.
  virtual void set_threads(int /*threads*/) {}

  /// False if the batch is not used beyond its number of samples, so that no data is needed.
  virtual bool needs_data() const { return true; }

  /// The distribution that the flow is to approximate where there is no data, for validation; null if there is none.
  virtual const Target* target() const { return nullptr; }

  /// The state that one call leaves for the next, which an interrupted run saves (NllGradientSolver::first_steps).
  virtual std::vector<double> first_steps() const { return {}; }
  virtual void set_first_steps(std::vector<double>) {}
};

struct LikelihoodOptions {
  /// Solver, trace, adjoint method, regularizers and seed. The tolerance is looser than the default of SolverOptions,
  /// because the discrete adjoint differentiates the very steps that were taken: training needs no more. tile = 0 makes
  /// tiles of one size, which share the cores evenly. parameters stays true and iteration 0. A Trainer replaces threads
  /// by its own.
  GradientOptions gradient{.solver = {.rtol = 1e-3, .atol = 1e-3}, .tile = 0};
  /// In [0, 1). STEER (Ghosh et al. 2020, eq. 5): each block's end time is drawn uniformly from T (1 -+ steer) in every
  /// iteration. 0: no.
  double steer = 0;
};

/// Maximum likelihood: the mean of -log p over the batch, nats, plus the regularizers. The flow's base must not be
/// uniform, whose likelihood is flat; the regularizer `hjb` needs a PotentialField. InputError for an option out of its
/// range.
template <class S>
[[nodiscard]] std::unique_ptr<Objective<S>> maximum_likelihood(const LikelihoodOptions& options = {});

/// Flow matching: the vector field is regressed on the velocity of given paths (FlowMatching). The flow has one block
/// without batch norms; neither its end time nor its base is trained. A Trainer replaces options.threads by its own.
/// InputError for an option out of its range.
template <class S> [[nodiscard]] std::unique_ptr<Objective<S>> flow_matching(const MatchingOptions& options = {});

struct ReverseKlOptions {
  /// As for the likelihood, with the discrete adjoint method and without regularizers. base has no effect: the base is
  /// not trained.
  GradientOptions gradient = LikelihoodOptions{}.gradient;
  /// In (0, 1]: the power of the target at first, which joins its modes. It rises linearly to 1, where it is from three
  /// quarters of the objective's iterations on.
  double anneal = 1;
};

/// KL(flow || target) - log Z over as many draws of the flow as the batch has samples (ReverseKlSolver); the batch
/// itself is not used. The flow has no condition, batch norm or logit, and its base is not trained. InputError for an
/// option out of its range.
template <class S>
[[nodiscard]] std::unique_ptr<Objective<S>> reverse_kl(Target target, const ReverseKlOptions& options = {});

#define PATHLINE_EXTERN(S)                                                                       \
  extern template std::unique_ptr<Objective<S>> maximum_likelihood<S>(const LikelihoodOptions&); \
  extern template std::unique_ptr<Objective<S>> flow_matching<S>(const MatchingOptions&);        \
  extern template std::unique_ptr<Objective<S>> reverse_kl<S>(Target, const ReverseKlOptions&);
PATHLINE_EXTERN(float)
PATHLINE_EXTERN(double)
#undef PATHLINE_EXTERN

}  // namespace pathline
