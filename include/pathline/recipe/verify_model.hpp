/// \file
/// The checks of `pathline verify` on a model file: what it is compared with, and how it was evaluated.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pathline/checkpoint/model.hpp"
#include "pathline/verify/verify.hpp"

namespace pathline {

/// What a model is compared with.
struct Comparison {
  Matrix<double> x = {}, c = {};  ///< d x N and dc x N; empty: no data
  std::optional<Target> target = {};
  std::string name = {};  ///< "5000 fresh draws of moons"; empty if there is nothing
};

struct VerifyModelOptions {
  std::uint64_t seed = 0;                        ///< of all draws
  int threads = 1;                               ///< >= 0, 0: one per core. Results do not depend on it
  std::optional<SolverOptions> evaluation = {};  ///< absent: how the file says that the model is evaluated
  std::string precision = {};                    ///< "float" or "double"; empty: that of the file
  std::function<void(const Check&)> done = {};   ///< called after each check
};

/// Fresh draws of the toy that the model was trained on, or the target that it approximates; empty if its recipe has
/// neither. No file is opened.
[[nodiscard]] Comparison comparison_by_recipe(const ModelCard& card, Index dim, Index condition_dim,
                                              std::uint64_t seed);

/// Adds to the discrete columns of x (d x N) the noise that they had in training, unless they have it already.
void dequantize_as_in_training(Matrix<double>& x, const ModelCard& card, std::uint64_t seed);

/// Runs every check, after one of the file's digest. If that fails it is the only one, because nobody should load such
/// a model. comparison: gives what the model of this size is compared with. Throws InputError for a file that is no
/// model.
[[nodiscard]] std::vector<Check> verify_model(
    const std::string& file,
    const std::function<Comparison(const ModelCard&, Index dim, Index condition_dim)>& comparison,
    const VerifyModelOptions& options = {});

}  // namespace pathline
