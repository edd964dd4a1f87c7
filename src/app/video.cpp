#include "app/video.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "core/lower_case.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline::plot {
namespace {

std::string ffmpeg() {
  const char* const path = std::getenv("PATH");
  std::string rest = path ? path : "";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string candidate = rest.substr(0, colon) + "/ffmpeg";
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  return "";
}

// Stops if the reader has ended; its exit code then says why.
void write_all(int file, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::write(file, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    at += static_cast<std::size_t>(n);
  }
}

// While it exists, a pipe without a reader is an error of write() rather than the end of the process.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  ~NoPipeSignal() { ::sigaction(SIGPIPE, &before_, nullptr); }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  struct sigaction before_ {};
};

[[noreturn]] void run_child(const std::vector<std::string>& words, int from) {
  ::dup2(from, STDIN_FILENO);
  const int nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nothing, STDOUT_FILENO), ::dup2(nothing, STDERR_FILENO);
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));  // the type that execv takes
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

std::vector<std::string> command_of(const std::string& out, const std::string& suffix, const Pixels& first, int rate) {
  std::vector<std::string> words{ffmpeg(),   "-y",
                                 "-f",       "rawvideo",
                                 "-pix_fmt", "rgb24",
                                 "-s",       fmt::format("{}x{}", first.width, first.height),
                                 "-r",       std::to_string(rate),
                                 "-i",       "-",
                                 "-pix_fmt", "yuv420p"};
  const std::vector<std::string> codec =
      suffix == ".webm"
          ? std::vector<std::string>{"-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "0", "-f", "webm"}
          : std::vector<std::string>{"-c:v", "libx264", "-crf", "20", "-movflags", "+faststart", "-f", "mp4"};
  words.insert(words.end(), codec.begin(), codec.end());
  words.push_back(out);
  return words;
}

}  // namespace

bool has_ffmpeg() { return !ffmpeg().empty(); }

void write_video(const std::string& path, const std::vector<Pixels>& frames, int rate) {
  if (!has_ffmpeg())
    throw InputError(
        path + ": needs the program ffmpeg, which is not installed (apt install ffmpeg); without it, write FLOW.gif");
  ReplaceFile file(path);
  const std::string suffix = lower_case(std::filesystem::path(path).extension().string());
  const auto words = command_of(std::filesystem::absolute(file.path()).string(), suffix, frames.front(), rate);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_cannot_write(path);
  const NoPipeSignal no_signal;
  const pid_t child = ::fork();
  if (child == 0) run_child(words, ends[0]);
  ::close(ends[0]);
  for (const auto& frame : frames) {
    if (child < 0) break;
    std::string bytes;
    bytes.reserve(3 * frame.rgb.size());
    for (const auto c : frame.rgb)
      bytes += static_cast<char>(c >> 16 & 255), bytes += static_cast<char>(c >> 8 & 255),
          bytes += static_cast<char>(c & 255);
    write_all(ends[1], bytes);
  }
  ::close(ends[1]);
  int status = -1;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw InputError(path + ": ffmpeg could not write the video; write FLOW.gif instead");
  file.commit();
}

}  // namespace pathline::plot
