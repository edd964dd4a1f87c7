// The metadata of a model file: recipe, columns, metrics, evaluation and the rest of a card.
#pragma once

#include <string>

#include "pathline/checkpoint/model.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

// Writes all but the answers and the recipes of members.
void write_card(Hdf5File& out, const ModelCard& card);

ModelCard read_card_of(const std::string& file, const Hdf5File& in);

}  // namespace pathline::model_file
