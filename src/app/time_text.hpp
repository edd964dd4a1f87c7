// A time on the command line.
#pragma once

#include <string>

namespace pathline {

// Seconds of "60", "60s", "10m" or "1.5h". InputError that names the option for anything else.
double time_of(const std::string& option, const std::string& text);

}  // namespace pathline
