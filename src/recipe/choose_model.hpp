// The search for the model of a table within a time: mixtures, short trainings of networks, and what gets the rest.
#pragma once

#include "pathline/recipe/train_recipe.hpp"
#include "recipe/automatic.hpp"

namespace pathline {

// What model.automatic means for these data. began: when the time of the recipe began, by seconds_now().
// may_be_several: whether the choice may be an ensemble. InputError for data that no recipe can train on.
template <class S> AutomaticChoice choose_model(const Recipe& asked, const TrainingData& data, double began,
                                                const TrainingOptions& options, bool may_be_several);

extern template AutomaticChoice choose_model<float>(const Recipe&, const TrainingData&, double, const TrainingOptions&,
                                                    bool);
extern template AutomaticChoice choose_model<double>(const Recipe&, const TrainingData&, double, const TrainingOptions&,
                                                     bool);

}  // namespace pathline
