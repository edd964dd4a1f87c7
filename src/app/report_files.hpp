// The files of src/app/report/, which the build compiles in.
#pragma once

#include <string_view>

namespace pathline {

extern const std::string_view kReportPage, kReportFlow, kReportStyle, kReportScript;

}  // namespace pathline
