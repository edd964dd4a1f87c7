/// \file
/// The untrained flow that a recipe describes.
#pragma once

#include "pathline/objective/nll_gradient.hpp"
#include "pathline/recipe/recipe.hpp"

namespace pathline {

/// The model with its automatic widths replaced by numbers: 64,64,64 up to two columns and for a potential, 96,96 for
/// more columns. Two hidden layers have an exact trace that costs no more in many columns than in one
/// (VectorField::has_trace), and fit tables better than three at equal time; the hard toys of two columns need three
/// (tools/bench/README.md).
[[nodiscard]] ModelRecipe with_hidden(ModelRecipe model, Index dim);

/// dim columns of data, condition_dim of condition. Parameters are a function of train.seed. InputError for what a
/// recipe cannot ask for together.
template <class S> [[nodiscard]] Flow<S> build_flow(const Recipe& recipe, Index dim, Index condition_dim);

extern template Flow<float> build_flow<float>(const Recipe&, Index, Index);
extern template Flow<double> build_flow<double>(const Recipe&, Index, Index);

}  // namespace pathline
