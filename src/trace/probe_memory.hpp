// The memory of Hutchinson's probes.
#pragma once

#include "pathline/trace/trace.hpp"

namespace pathline {

// InputError if the probes for a tile of `batch` points of dimension `dim` need more memory than there is.
void check_probe_memory(const TraceOptions& options, Index dim, Index batch);

}  // namespace pathline
