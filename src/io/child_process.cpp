#include "io/child_process.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

// What precedes each message.
struct Header {
  std::uint64_t bytes;
  char kind;  // of the kinds below
};
constexpr char kData = 'd', kInputError = 'i', kOtherError = 'o', kNoMemory = 'm', kEnd = 'e';

Index address_space() {
  Index pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    long long read = 0;
    if (std::fscanf(file, "%lld", &read) == 1) pages = read;
    std::fclose(file);
  }
  return pages * ::sysconf(_SC_PAGESIZE);
}

void lower_limit(decltype(RLIMIT_AS) resource, rlim_t value) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, value);
  ::setrlimit(resource, &limit);
}

void set_timer(decltype(ITIMER_PROF) clock, double seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(seconds);
  if (seconds > 0) timer.it_value.tv_usec = static_cast<suseconds_t>((seconds - std::floor(seconds)) * 1e6) + 1;
  ::setitimer(clock, &timer, nullptr);
}

// CPU time, so that a busy machine or a slow disk does not make a good file a bad one: SIGPROF ends the child. The
// other clock, with SIGALRM, is for a child that waits for ever.
void start_clocks(const ChildLimits& limits) {
  set_timer(ITIMER_PROF, limits.seconds);
  set_timer(ITIMER_REAL, limits.wait);
}

void become_child(const ChildLimits& limits) {
  // The parent's handlers remove files of the parent.
  for (const int signal :
       {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU, SIGPROF, SIGALRM, SIGSEGV, SIGBUS, SIGABRT, SIGFPE})
    std::signal(signal, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);
  lower_limit(RLIMIT_CORE, 0);
  lower_limit(RLIMIT_FSIZE, 0);  // it writes to the pipe alone
  if (const Index now = address_space(); now > 0)
    lower_limit(RLIMIT_AS, static_cast<rlim_t>(now + limits.memory_bytes));
  start_clocks(limits);
}

void write_exactly(int file, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::write(file, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ::_exit(1);  // nobody reads
    at += n, bytes -= static_cast<std::size_t>(n);
  }
}

}  // namespace

void ChildProcess::Channel::write(char kind, std::string_view message) {
  set_timer(ITIMER_REAL, 0);  // the reader may take as long as it likes
  const Header header{message.size(), kind};
  write_exactly(file_, &header, sizeof header);
  write_exactly(file_, message.data(), message.size());
}

void ChildProcess::Channel::send(std::string_view message) {
  write(kData, message);
  start_clocks(limits_);
}

ChildProcess::ChildProcess(std::string name, ChildLimits limits, const std::function<void(Channel&)>& work)
    : name_(std::move(name)), limits_(limits) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), name_ + ": no pipe");
  ::fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);  // fewer turns; without it the pipe is as the system makes it
  child_ = ::fork();
  if (child_ < 0) {
    const int reason = errno;
    ::close(ends[0]), ::close(ends[1]);
    throw std::system_error(reason, std::generic_category(), name_ + ": no process to read it in");
  }
  if (child_ > 0) {
    ::close(ends[1]);
    file_ = ends[0];
    return;
  }
  ::close(ends[0]);
  become_child(limits_);
  Channel channel(ends[1], limits_);
  try {
    work(channel);
    channel.write(kEnd, "");
  } catch (const InputError& error) {
    channel.write(kInputError, error.what());
  } catch (const std::bad_alloc&) {
    channel.write(kNoMemory, "");
  } catch (const std::exception& error) {
    channel.write(kOtherError, error.what());
  }
  ::_exit(0);  // the parent's objects and files are the parent's
}

ChildProcess::~ChildProcess() {
  if (file_ >= 0) ::close(file_);
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool ChildProcess::read_exactly(void* out, std::size_t bytes) {
  char* at = static_cast<char*>(out);
  while (bytes > 0) {
    const ssize_t n = ::read(file_, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n, bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

void ChildProcess::explain_end() {
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGPROF)
    throw InputError(fmt::format("{}: damaged: the HDF5 library does not finish reading it in {:.1f} s of CPU time",
                                 name_, limits_.seconds));
  if (signal == SIGALRM)
    throw InputError(
        fmt::format("{}: cannot read: the process that reads it has waited for {:g} s", name_, limits_.wait));
  if (signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP)
    throw InputError(fmt::format("{}: cannot read: the process that read it was ended by signal {}", name_, signal));
  if (signal == 0) throw InputError(name_ + ": cannot read: the process that read it ended too early");
  throw InputError(fmt::format("{}: damaged: the HDF5 library crashed on it (signal {})", name_, signal));
}

std::optional<std::string> ChildProcess::next() {
  Header header{};
  if (!read_exactly(&header, sizeof header)) explain_end();
  std::string message(header.bytes, '\0');
  if (!read_exactly(message.data(), message.size())) explain_end();
  switch (header.kind) {
    case kData:
      return message;
    case kEnd:
      return std::nullopt;
    case kInputError:
      throw InputError(message);
    case kNoMemory:
      throw InputError(
          fmt::format("{}: damaged, or compressed beyond reason: reading it takes more than {} MB of memory", name_,
                      limits_.memory_bytes >> 20));
    default:
      throw std::runtime_error(message);
  }
}

}  // namespace pathline
