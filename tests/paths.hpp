// Where the tests find the files of the source tree and the program. These are functions of one small file, because a path
// among the compiler's arguments would keep ccache from sharing the tests' objects between two clones.
#pragma once

#include <string>

namespace pathline {

std::string source_dir();    // the root of the source tree
std::string fixtures_dir();  // tests/fixtures
std::string tool_path();     // the program `pathline`; empty if it is not built

}  // namespace pathline
