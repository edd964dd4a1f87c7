/// \file
/// pathline::Density: load a model, evaluate it, draw from it.
#pragma once

#include "pathline/checkpoint/density.hpp"  // IWYU pragma: export
