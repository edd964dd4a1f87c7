// What a run that goes on must share with its beginning.
#pragma once

#include "pathline/recipe/recipe.hpp"

namespace pathline {

// InputError ("train.seed = 1: a resumed run keeps 0") for another data.*, model.* (but its precision) or train.seed:
// weights, splits and the best validation would be of something else. A table may be elsewhere: TrainingData::hash()
// tells whether it is the same.
void check_resumed(const Recipe& stored, const Recipe& resumed);

// InputError if the recipe that a run's file contains makes a flow of more parameters than the file can hold.
void check_size(const Recipe& recipe, Index dim, Index condition_dim, const std::string& file);

}  // namespace pathline
