// What a run that goes on must share with its beginning.
#pragma once

#include "pathline/recipe/recipe.hpp"

namespace pathline {

// InputError ("train.seed = 1: a resumed run keeps 0") for another data.*, model.* (but its precision) or train.seed:
// weights, splits and the best validation would be of something else. A table may be elsewhere: TrainingData::hash()
// tells whether it is the same.
void check_resumed(const Recipe& stored, const Recipe& resumed);

}  // namespace pathline
