#include "app/report.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "core/printable.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

[[noreturn]] void fail_stdout(int error) {
  std::clearerr(stdout);
  if (error == EPIPE) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  errno = error != 0 ? error : EIO;
  throw_cannot_write("standard output");
}

}  // namespace

void report(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  std::clearerr(stderr);
}

void report_line(std::string_view text) { report(printable(text) + "\n"); }

void write_result(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail_stdout(errno);
}

// A full disk is noticed only when the buffer is written.
void flush_results() {
  errno = 0;
  const bool failed = std::ferror(stdout) != 0;
  if (std::fflush(stdout) != 0 || failed) fail_stdout(errno);
}

}  // namespace pathline
