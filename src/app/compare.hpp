// Compares methods of density estimation, which are trained on the same data for the same CPU time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pathline/recipe/recipe.hpp"
#include "pathline/train/trainer.hpp"

namespace pathline {

// A method: a recipe, whose data and length are replaced.
struct CompareMethod {
  std::string name;
  Recipe recipe = {};
};

// cnf, potential, flow_matching; planar, realnvp, spline: transforms in place of a continuous block.
const std::vector<std::string>& compare_names();
// The method of that name, or the recipe of a file NAME.toml. InputError if there is neither.
CompareMethod compare_method(const std::string& name);

struct CompareOptions {
  double seconds = 20;  // CPU time for the training of each method
  Index test = 10000;   // draws of a toy on which the methods are tested
  std::uint64_t seed = 0;
  int threads = 1;
};

// The result of one method on one source.
struct CompareRow {
  std::string source, method;
  Index parameters = 0, iterations = 0;
  double seconds = 0;                                       // CPU time of the training with its validations
  MeanError nll;                                            // nats, on the test samples
  std::optional<MeanError> kl;                              // KL(data || model), of a toy
  double nfe = 0;                                           // of a density
  double densities_per_second = 0, samples_per_second = 0;  // per CPU second
  Flow<float> flow;
};

CompareRow compare_one(const std::string& source, const CompareMethod& method, const CompareOptions& options);

}  // namespace pathline
