/// \file
/// The command `pathline`: arguments to calls, errors to one line and an exit code.
#pragma once

namespace pathline {

/// 0; 1 for a numerical failure, 2 for bad input.
int run_app(int argc, char** argv);

}  // namespace pathline
