// What one stage of training minimizes: a loss of a batch with its gradient.
#pragma once

#include <memory>

#include "pathline/objective/nll_gradient.hpp"
#include "pathline/recipe/recipe.hpp"
#include "pathline/train/training_data.hpp"

namespace pathline {

struct ObjectiveGradient {
  double loss = 0;
  Vector<double> theta;  // of Flow::theta()
  double nfe = 0, backward_nfe = 0;
  std::vector<BatchStatistics> statistics;  // for Chain::update; empty if the loss gathers none
};

template <class S> class Objective {
 public:
  virtual ~Objective() = default;
  // x: d x B, c: dc x B in the data's units. iteration: of the whole run, for the random streams.
  virtual ObjectiveGradient operator()(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                       Index iteration) = 0;
  // What one call leaves for the next, which a resumed run needs: NllGradientSolver::first_steps. Empty if nothing.
  virtual std::vector<double> first_steps() const { return {}; }
  virtual void set_first_steps(std::vector<double>) {}
};

// user: the target of one's own. InputError for a stage that cannot be.
template <class S> std::unique_ptr<Objective<S>> make_objective(const Recipe& recipe, std::size_t stage,
                                                                const std::optional<Target>& user = {});

extern template std::unique_ptr<Objective<float>> make_objective<float>(const Recipe&, std::size_t,
                                                                        const std::optional<Target>&);
extern template std::unique_ptr<Objective<double>> make_objective<double>(const Recipe&, std::size_t,
                                                                          const std::optional<Target>&);

}  // namespace pathline
