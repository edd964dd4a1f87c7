#include "pathline/core/version.hpp"

namespace pathline {

const char* version() noexcept { return PATHLINE_VERSION; }

}  // namespace pathline
