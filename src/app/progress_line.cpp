#include "app/progress_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>

#include <fmt/format.h>

namespace pathline {

bool stderr_is_terminal() { return isatty(STDERR_FILENO) != 0; }

void draw_line(const std::string& text) {
  struct winsize size {};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  fmt::print(stderr, "\r\033[K{}", known ? text.substr(0, size.ws_col - 1u) : text);
}

ProgressLine::ProgressLine(bool quiet, std::string what, Index total)
    : on_(!quiet && stderr_is_terminal()), what_(std::move(what)), total_(total) {}

ProgressLine::~ProgressLine() {
  if (on_ && last_ > 0) fmt::print(stderr, "\r\033[K");
}

void ProgressLine::operator()(Index done) {
  if (!on_) return;
  const double t = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (last_ > 0 && t - last_ < 0.2) return;
  last_ = t;
  if (total_ > 0)
    draw_line(fmt::format("{} of {} {} ({:.0f} %)", done, total_, what_,
                          100.0 * static_cast<double>(done) / static_cast<double>(total_)));
  else draw_line(fmt::format("{} {}", done, what_));
}

}  // namespace pathline
