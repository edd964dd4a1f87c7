// Messages of a command other than its results, which go to the standard error.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace pathline {

// Writes the text to the standard error. Reporting never fails the work: an error of the stream, a full disk or a
// closed pipe is ignored.
void report(std::string_view text) noexcept;

// Writes one line. Control characters that come from a file or from the command line are shown as escapes.
void report_line(std::string_view text);

template <class... Args> void report_note(fmt::format_string<Args...> format, Args&&... args) {
  report_line("pathline: note: " + fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args> void report_warning(fmt::format_string<Args...> format, Args&&... args) {
  report_line("pathline: warning: " + fmt::format(format, std::forward<Args>(args)...));
}

// Writes buffered results. Throws InputError if the standard output cannot take them, but ends the process as SIGPIPE
// does if the reader of a pipe has ended, as in `pathline density ... | head`.
void write_result(std::string_view text);
void flush_results();

}  // namespace pathline
