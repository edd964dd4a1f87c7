// The answers that a model file contains about itself, in /answers.
#pragma once

#include "pathline/checkpoint/known_answers.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

// points and log_density: as known_answers() made them; none for a flow that a file does not contain.
void write_answers(Hdf5File& out, const ModelCard& card, const KnownAnswers* answers);

// The shapes are checked by whoever evaluates the points.
void read_answers(const Hdf5File& in, ModelCard& card);

}  // namespace pathline::model_file
