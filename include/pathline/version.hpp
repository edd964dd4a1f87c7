/// \file
/// The version of pathline, for the preprocessor and at run time.
#pragma once

#include "pathline/core/version.hpp"  // IWYU pragma: export
