// A lock that one process holds and that ends with the process.
#pragma once

#include <string>

namespace pathline {

// Holds an exclusive lock (flock) on a file, which says who holds it: "process 4711 on host since 2026-11-25 10:12:48
// UTC". The kernel drops the lock with the process, however it ends, so a lock of a dead process never stays.
class LockFile {
 public:
  // Throws InputError that begins with `what` and names the holder, and for a file that cannot be made.
  LockFile(const std::string& path, const std::string& what);
  ~LockFile();  // removes the file
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  std::string path_;
  int file_ = -1;
};

}  // namespace pathline
