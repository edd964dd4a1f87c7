// Durations as text.
#pragma once

#include <string>

namespace pathline {

// Seconds of "60", "60s", "10m" or "1.5h". InputError that names the option for anything else.
double time_of(const std::string& option, const std::string& text);

// "0:42", or "1:02:03" from an hour on.
std::string clock_text(double seconds);

}  // namespace pathline
