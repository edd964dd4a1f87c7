#include "app/progress_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "app/report.hpp"
#include "core/clock.hpp"

namespace pathline {

bool stderr_is_terminal() { return isatty(STDERR_FILENO) != 0; }

void draw_line(const std::string& text) {
  struct winsize size {};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  report("\r\033[K" + (known ? text.substr(0, size.ws_col - 1u) : text));
}

namespace {

std::string seconds_text(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  return s < 60 ? fmt::format("{} s", s) : fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace

ProgressLine::ProgressLine(bool quiet, std::string what, Index total)
    : on_(!quiet),
      terminal_(stderr_is_terminal()),
      what_(std::move(what)),
      total_(total),
      begin_(seconds_now()),
      last_(begin_) {}

ProgressLine::~ProgressLine() {
  if (drawn_ && terminal_) report("\r\033[K");
}

void ProgressLine::say(const std::string& text) {
  if (!on_ || !terminal_) return;
  drawn_ = true;
  draw_line(text);
}

void ProgressLine::operator()(Index done) {
  const double t = seconds_now();
  if (!on_ || t - last_ < (terminal_ ? 0.2 : 30)) return;
  last_ = t, drawn_ = true;
  std::string text = fmt::format("{} {}", done, what_);
  if (total_ > 0 && done > 0) {
    const double part = static_cast<double>(done) / static_cast<double>(total_);
    text = fmt::format("{} left  {} of {} {} ({:.0f} %)", seconds_text((t - begin_) * (1 - part) / part), done, total_,
                       what_, 100 * part);
  }
  if (terminal_)
    draw_line(text);
  else
    report(text + "\n");
}

}  // namespace pathline
