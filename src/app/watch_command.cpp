#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "app/command.hpp"
#include "app/number_text.hpp"
#include "app/report.hpp"
#include "app/terminal_chart.hpp"
#include "app/time_text.hpp"
#include "core/clock.hpp"
#include "core/lower_case.hpp"
#include "core/printable.hpp"
#include "core/utf8.hpp"
#include "pathline/core/error.hpp"
#include "pathline/recipe/train_recipe.hpp"
#include "train/metrics_line.hpp"
#include "train/run_directory.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

constexpr int kChartLines = 14;  // lines of a chart

struct WatchFlags {
  std::string run;
  CommonFlags common;
};

// Whether a process is training in the directory: the lock contains its process number. A process on another machine
// cannot be checked, and counts as running.
bool is_running(const fs::path& run) {
  std::ifstream file(run / ".lock");
  std::string word, on, host;
  long process = 0;
  if (!file) return false;
  if (!(file >> word >> process >> on >> host)) return true;  // the run is just starting
  char own[256] = "?";
  ::gethostname(own, sizeof own - 1);
  return host != own || ::kill(static_cast<pid_t>(process), 0) == 0 || errno == EPERM;
}

// The validations of a run so far.
std::vector<nlohmann::json> validations(const fs::path& run) {
  std::vector<nlohmann::json> out;
  for (const auto& line : RunDirectory(run.string()).metrics_lines()) {
    auto j = read_metrics_line(line);
    if (std::isfinite(metric(j, "iteration")) && !j.contains("event")) out.push_back(std::move(j));
  }
  return out;
}

// The iterations of the run, once its first checkpoint is written; 0 before.
Index iterations_of(const fs::path& run) {
  try {
    const auto recipe = recipe_of_run(run.string());
    return recipe.train.iterations * std::max<Index>(1, recipe.model.ensemble);
  } catch (const std::exception&) {
    return 0;
  }
}

// "0:42 left  2000 of 2500  validation 2.3919 +- 0.0074, best 2.3911 at 1750  NFE 88"
std::string status(const std::vector<nlohmann::json>& lines, Index iterations, bool running) {
  const auto& last = lines.back();
  const double done = metric(last, "iteration"), seconds = metric(last, "seconds"),
               all = static_cast<double>(iterations);
  std::string out;
  if (running && done > 0 && all > done) out = clock_text(seconds / done * (all - done)) + " left  ";
  if (!running && std::isfinite(seconds)) out = "ended after " + clock_text(seconds) + "  ";
  out += iterations > 0 ? fmt::format("{:.0f} of {}", done, iterations) : fmt::format("{:.0f} iterations", done);
  out += "  validation " + with_error(metric(last, "validation_nll"), metric(last, "validation_error"));
  for (auto line = lines.rbegin(); line != lines.rend(); ++line)
    if (is_best(*line)) {
      if (line != lines.rbegin())
        out += fmt::format(", best {:.4f} at {:.0f}", metric(*line, "validation_nll"), metric(*line, "iteration"));
      break;
    }
  const double nfe = metric(last, "evaluation_nfe");
  return std::isfinite(nfe) ? out + fmt::format("  NFE {:.0f}", nfe) : out;
}

int terminal_width() {
  struct winsize size {};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
  return known ? size.ws_col - 1 : 79;
}

Dots dots_of_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* value = std::getenv(name); value && *value)
      return lower_case(value).find("utf") != std::string::npos ? Dots::braille : Dots::ascii;
  return Dots::ascii;
}

// The first characters of a text.
std::string cut_line(const std::string& text, int width) {
  std::size_t at = 0;
  for (int k = 0; k < width && at < text.size(); ++k)
    at += std::max<std::size_t>(first_character(std::string_view(text).substr(at)).bytes, 1);
  return text.substr(0, at);
}

std::vector<std::string> screen(const std::string& run, const std::vector<nlohmann::json>& lines, Index iterations,
                                bool running) {
  const int width = terminal_width();
  std::vector<std::string> out{printable(run)};
  if (lines.empty()) {
    out.push_back("waiting for the first validation");
  } else {
    TerminalLine validation{"validation NLL", {}, {}};
    for (const auto& j : lines)
      validation.x.push_back(metric(j, "iteration")), validation.y.push_back(metric(j, "validation_nll"));
    out.push_back("validation NLL, nats, by iteration");
    for (auto& line : terminal_chart({validation}, width, kChartLines, dots_of_locale()))
      out.push_back(std::move(line));
    out.push_back(status(lines, iterations, running));
  }
  out.front() = cut_line(out.front(), width), out.back() = cut_line(out.back(), width);  // a chart is made to the width
  return out;
}

// Replaces what was drawn before, on a terminal.
void redraw(const std::vector<std::string>& lines, std::size_t& drawn) {
  std::string text = drawn > 0 ? fmt::format("\033[{}A\033[J", drawn) : "";
  for (const auto& line : lines) text += line + "\n";
  drawn = lines.size();
  write_result(text), flush_results();
}

// If a training was started in the same command line, its directory appears a moment later.
void wait_for_start(const fs::path& run) {
  constexpr double kMost = 5;  // s
  const double until = seconds_now() + kMost;
  while (seconds_now() < until && !(fs::is_directory(run) && (fs::exists(run / "metrics.jsonl") || is_running(run))))
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

int run(const WatchFlags& f) {
  const fs::path run(f.run);
  wait_for_start(run);
  if (!fs::is_directory(run)) throw InputError(f.run + ": is not the directory of a run, which `pathline train` makes");
  if (!fs::exists(run / "metrics.jsonl") && !is_running(run))
    throw InputError(f.run + ": holds no run: it has no metrics.jsonl");
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  std::size_t drawn = 0, printed = 0;
  for (bool running = true; running;) {
    running = is_running(run);  // before reading, so that the last lines are not missed
    const auto lines = validations(run);
    const Index iterations = iterations_of(run);
    if (terminal) {
      redraw(screen(f.run, lines, iterations, running), drawn);
    } else {
      if (printed > lines.size()) printed = 0;  // another run was begun in the directory
      for (; printed < lines.size(); ++printed)
        write_result(status({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(printed) + 1}, iterations,
                            running || printed + 1 < lines.size()) +
                     "\n");
      flush_results();
    }
    if (running) std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  return 0;
}

}  // namespace

void add_watch_command(Command app, Action& chosen) {
  auto f = std::make_shared<WatchFlags>();
  auto c = app.add_command("watch", "Follow a training in the terminal; ends when it ends");
  c.footer(
      "Examples:\n"
      "  pathline train --data moons --iterations 400 -o runs/live --quiet & pathline watch runs/live\n"
      "  pathline watch runs/live > validations.txt");
  c.add_option("RUN", f->run, "the directory of a run").required();
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
