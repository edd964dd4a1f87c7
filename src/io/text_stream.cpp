#include "io/text_stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

// For the whole process, because the program says once how it reports, and tables are opened in many places, some of
// which (a recipe's table within a training) know nothing of a terminal.
std::mutex g_report_mutex;
std::function<void(const std::string&)> g_report;

std::function<void(const std::string&)> current_report() {
  const std::lock_guard lock(g_report_mutex);
  return g_report;
}

bool is_pipe(const std::string& name) {
  struct stat status {};
  return ::stat(name.c_str(), &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

// Waits for the first byte or the end. A pipe that was opened before its writer is not at its end. Returns false with
// errno if the wait fails: so does a signal end it, as it ends a read, whose handler returned because its program looks
// at the signal afterwards, as Python does.
bool wait_for_bytes(int file, const std::string& name) {
  constexpr int kPatience = 1000;  // milliseconds
  struct pollfd wanted {};
  wanted.fd = file, wanted.events = POLLIN;
  if (const int ready = ::poll(&wanted, 1, kPatience); ready != 0) return ready > 0;
  if (const auto report = current_report()) report(is_standard_input(name) ? "standard input" : name);
  return ::poll(&wanted, 1, -1) > 0;
}

}  // namespace

bool is_standard_input(const std::string& name) {
  return name == "-" || name == "/dev/stdin" || name == "/dev/fd/0" || name == "/proc/self/fd/0";
}

bool is_text_stream(const std::string& name) {
  return is_standard_input(name) || name.starts_with("/dev/fd/") || name.starts_with("/proc/self/fd/") || is_pipe(name);
}

int open_when_ready(const std::string& name) {
  // Without O_NONBLOCK, open() itself would wait for the writer of a pipe.
  const int file =
      is_standard_input(name) ? ::dup(STDIN_FILENO) : ::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return file;
  if (!wait_for_bytes(file, name)) {
    const int error = errno;
    ::close(file);
    errno = error;
    return -1;
  }
  if (!is_standard_input(name)) ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) & ~O_NONBLOCK);
  return file;
}

void report_waiting(std::function<void(const std::string& name)> report) {
  const std::lock_guard lock(g_report_mutex);
  g_report = std::move(report);
}

void require_regular(const std::string& file) {
  if (is_pipe(file))
    throw InputError(
        file + ": a pipe: this format is read at several positions, and needs a file; save it first, or send text");
}

}  // namespace pathline
