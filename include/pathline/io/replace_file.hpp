/// \file
/// An output file that is replaced whole or not at all.
#pragma once

#include <string>

namespace pathline {

/// Gives a temporary file beside the target; commit() makes it the target. Without commit() the target stays as
/// it was and the temporary file goes. A link is followed: what it points to is replaced. A device, a pipe and
/// /dev/stdout cannot be replaced and are written directly.
class ReplaceFile {
 public:
  /// InputError ("out/a.h5: cannot write: No such file or directory") before any work is done.
  explicit ReplaceFile(std::string target);
  ~ReplaceFile();
  ReplaceFile(const ReplaceFile&) = delete;
  ReplaceFile& operator=(const ReplaceFile&) = delete;

  const std::string& target() const { return target_; }
  const std::string& path() const { return path_; }  ///< what to open for writing; it exists
  bool is_direct() const { return direct_; }         ///< path() is the target itself

  /// After the file was closed: puts it on the disk, then in the place of the target. InputError if it cannot.
  /// previous: where an older target is kept, a path in the same directory; empty: it is not kept. Between the two
  /// renames there is no target, but both the older file and the new one are whole, the first of them at `previous`.
  void commit(const std::string& previous = "");

 private:
  std::string target_, final_, path_;  ///< as given; links followed; where to write
  bool direct_ = false, pending_ = false;
};

/// Writes a text that becomes the file whole or not at all. InputError if it cannot be written.
void write_text_file(const std::string& path, const std::string& text);

/// SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGXCPU remove the temporary files before they end the process. For a main
/// function to call; a signal that is ignored stays so.
void remove_temporaries_on_signals();

/// InputError("name: cannot write: <what errno says>"), and the same for reading.
[[noreturn]] void throw_cannot_write(const std::string& name);
[[noreturn]] void throw_cannot_read(const std::string& name);

}  // namespace pathline
