/// \file
/// The version of pathline. CMake reads it from here.
#pragma once

/// Semantic version of the headers: before 1.0 a new minor version may change anything.
#define PATHLINE_VERSION_MAJOR 0
#define PATHLINE_VERSION_MINOR 1
#define PATHLINE_VERSION_PATCH 0
#define PATHLINE_VERSION "0.1.0"

namespace pathline {

/// Returns the version of the library that the program is linked with, such as "0.1.0". It differs from
/// PATHLINE_VERSION if the program was compiled with the headers of another version.
[[nodiscard]] const char* version() noexcept;

}  // namespace pathline
