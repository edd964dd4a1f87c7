// Checks that a resumed run is the same as the run that it continues.
#pragma once

#include <string>

#include "pathline/recipe/recipe.hpp"

namespace pathline {

// Throws InputError, "train.seed = 1: cannot change on resume (was 0)", if data.*, model.* (except its precision) or
// train.seed differ, because weights, splits and the best validation would not fit. A table may be in another place;
// TrainingData::hash() tells whether it is the same.
void check_resumed(const Recipe& stored, const Recipe& resumed);

// Throws InputError, "optimizer.clip = 2: cannot change on resume of an ensemble ...", if anything differs.
void check_unchanged(const Recipe& stored, const Recipe& resumed);

// InputError if the recipe that a run's file contains makes a flow of more parameters than the file can hold.
void check_size(const Recipe& recipe, Index dim, Index condition_dim, const std::string& file);

}  // namespace pathline
