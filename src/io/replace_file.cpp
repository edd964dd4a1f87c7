#include "pathline/io/replace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

// /dev/stdout may be a regular file, which belongs to the one who redirected the output.
bool is_open_descriptor(const std::string& path) {
  return path == "/dev/stdout" || path == "/dev/stderr" || path.starts_with("/dev/fd/") || path.starts_with("/proc/");
}

// The file at the end of a chain of symbolic links; it need not exist.
std::string follow_links(const std::string& path) {
  fs::path at = path;
  std::error_code error;
  for (int links = 0; links < 40 && fs::is_symlink(at, error); ++links) {
    const fs::path next = fs::read_symlink(at, error);
    at = next.is_absolute() ? next : at.parent_path() / next;
  }
  return at.string();
}

// Makes a new empty file beside `final` and returns its name, or "" if that fails; errno says why.
std::string make_temporary(const std::string& final, mode_t mode) {
  const fs::path target = final;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    std::string name = ".";
    name.append(target.filename().string()).append(".").append(std::to_string(::getpid()));
    name.append("-").append(std::to_string(attempt)).append(".part");
    const std::string path = (target.parent_path() / name).string();
    const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
    if (file >= 0) {
      ::close(file);
      return path;
    }
    if (errno != EEXIST) return "";
  }
  return "";
}

bool sync_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  bool synced = false;
  do synced = ::fsync(file) == 0;
  while (!synced && errno == EINTR);
  const int reason = errno;
  ::close(file);
  errno = reason;
  return synced;
}

// The names of the temporary files, for a signal handler, which must not lock or allocate.
struct PendingFile {
  enum State { free, filling, there };
  std::atomic<int> state{free};
  char path[PATH_MAX];
};
PendingFile g_pending[16];  // a signal does not remove more files than this
static_assert(std::atomic<int>::is_always_lock_free);

void remember(const std::string& path) {
  if (path.size() >= PATH_MAX) return;
  for (auto& pending : g_pending) {
    int expected = PendingFile::free;
    if (!pending.state.compare_exchange_strong(expected, PendingFile::filling)) continue;
    std::strcpy(pending.path, path.c_str());
    pending.state = PendingFile::there;
    return;
  }
}

// Forgets a file that was removed or renamed.
void forget(const std::string& path) {
  for (auto& pending : g_pending)
    if (pending.state == PendingFile::there && path == pending.path) pending.state = PendingFile::free;
}

// Installed with SA_RESETHAND, so that the signal raised here ends the process once the handler returns.
extern "C" void remove_temporaries(int signal) {
  for (auto& pending : g_pending)
    if (pending.state == PendingFile::there) ::unlink(pending.path);
  ::raise(signal);
}

}  // namespace

void remove_temporaries_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU}) {
    struct sigaction action{};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = remove_temporaries;
    action.sa_flags = SA_RESETHAND;
    ::sigaction(signal, &action, nullptr);
  }
}

void throw_cannot_write(const std::string& name) {
  throw InputError(name + ": cannot write: " + std::generic_category().message(errno));
}

void throw_cannot_read(const std::string& name) {
  throw InputError(name + ": cannot read: " + std::generic_category().message(errno));
}

ReplaceFile::ReplaceFile(std::string target)
    : target_(std::move(target)), final_(follow_links(target_)), path_(target_) {
  struct stat status{};
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  if (target_.empty() || target_.back() == '/' || (exists && S_ISDIR(status.st_mode))) {
    errno = target_.empty() ? ENOENT : EISDIR;
    throw_cannot_write(target_.empty() ? "\"\"" : target_);
  }
  direct_ = is_open_descriptor(target_) || (exists && !S_ISREG(status.st_mode));
  if (direct_ || (exists && ::access(target_.c_str(), W_OK) != 0)) {
    if (!exists || ::access(target_.c_str(), W_OK) != 0) throw_cannot_write(target_);
    return;
  }
  path_ = make_temporary(final_, 0666);
  if (path_.empty()) throw_cannot_write(target_);
  pending_ = true;
  remember(path_);
  if (exists) ::chmod(path_.c_str(), status.st_mode & 07777);
}

ReplaceFile::~ReplaceFile() {
  if (!pending_) return;
  ::unlink(path_.c_str());
  forget(path_);
}

void ReplaceFile::commit(const std::string& previous) {
  if (!pending_) return;
  if (!sync_file(path_)) throw_cannot_write(target_);
  const bool kept = !previous.empty() && ::rename(final_.c_str(), previous.c_str()) == 0;
  if (!previous.empty() && !kept && errno != ENOENT) throw_cannot_write(previous);
  if (::rename(path_.c_str(), final_.c_str()) != 0) {
    const int reason = errno;
    if (kept) ::rename(previous.c_str(), final_.c_str());
    errno = reason;
    throw_cannot_write(target_);
  }
  pending_ = false;
  forget(path_);
  // Every reader now finds the whole file; only a power failure could still undo the rename. A file system that cannot
  // sync a directory returns EINVAL, which is therefore not an error.
  const std::string directory = fs::path(final_).parent_path().string();
  if (!sync_file(directory.empty() ? "." : directory) && errno != EINVAL && errno != EACCES)
    throw InputError(target_ + ": written, but the rename could not be secured against a power failure: " +
                     std::generic_category().message(errno));
}

void write_text_file(const std::string& path, const std::string& text) {
  ReplaceFile file(path);
  {
    std::ofstream out(file.path(), std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (!out) throw_cannot_write(path);
  }
  file.commit();
}

}  // namespace pathline
