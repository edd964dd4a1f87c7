// What the command says beside its results, on the standard error.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace pathline {

// Writes the text to the standard error. Reporting never fails the work: an error of the stream, a full disk or a
// closed pipe is ignored.
void report(std::string_view text) noexcept;

// One line, in which whatever a file or the command line brought is text: a terminal obeys none of it.
void report_line(std::string_view text);

template <class... Args> void report_note(fmt::format_string<Args...> format, Args&&... args) {
  report_line("pathline: note: " + fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args> void report_warning(fmt::format_string<Args...> format, Args&&... args) {
  report_line("pathline: warning: " + fmt::format(format, std::forward<Args>(args)...));
}

// For results: the standard output must take them. Throws InputError, but ends the process as SIGPIPE does where the
// reader of a pipe has gone, as in `pathline density ... | head`.
void write_result(std::string_view text);
void flush_results();

}  // namespace pathline
