#include "io/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

std::string self() {
  char host[256] = "?";
  ::gethostname(host, sizeof host - 1);
  return fmt::format("process {} on {} since {:%Y-%m-%d %H:%M:%S} UTC", ::getpid(), host,
                     fmt::gmtime(std::time(nullptr)));
}

std::string content(int file) {
  char text[512];
  const ssize_t n = ::pread(file, text, sizeof text, 0);
  return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "another process";
}

// Whether the path still names the open file, because the last holder of the lock removes the file.
bool is_current(int file, const std::string& path) {
  struct stat opened, named;
  return ::fstat(file, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

}  // namespace

LockFile::LockFile(const std::string& path, const std::string& what) : path_(path) {
  while (true) {
    file_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (file_ < 0) throw_cannot_write(path);
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      const bool held = errno == EWOULDBLOCK;
      const std::string holder = content(file_);
      const int reason = errno;
      ::close(file_);
      if (held) throw InputError(fmt::format("{}: in use by {}", what, holder));
      errno = reason;
      throw_cannot_write(path);
    }
    if (is_current(file_, path)) break;
    ::close(file_);
  }
  const std::string text = self();
  if (::ftruncate(file_, 0) != 0 || ::pwrite(file_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    const int reason = errno;
    ::unlink(path.c_str());
    ::close(file_);
    errno = reason;
    throw_cannot_write(path);
  }
}

LockFile::~LockFile() {
  ::unlink(path_.c_str());  // before unlocking: another process then makes a new file
  ::close(file_);
}

}  // namespace pathline
