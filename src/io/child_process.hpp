// A function that runs in a child process, with limits on its memory and its time.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "pathline/core/types.hpp"

namespace pathline {

struct ChildLimits {
  Index memory_bytes;  // of address space beyond what the process has already
  double seconds;      // of CPU time between two messages
};

// The HDF5 library may crash, loop or ask for gigabytes on a damaged file. What it does in a child process is an
// InputError here.
class ChildProcess {
 public:
  // The child's end.
  class Channel {
   public:
    Channel(int file, double seconds) : file_(file), seconds_(seconds) {}
    void send(std::string_view message);  // the limit of time begins anew

   private:
    friend class ChildProcess;
    void write(char kind, std::string_view message);
    int file_;
    double seconds_;
  };

  // Forks; the child runs work(channel). An exception of it is thrown by next() as an InputError (of an InputError) or
  // a std::runtime_error. name: the file, for messages. Throws std::system_error if there can be no more processes.
  //
  // The child is a copy of this thread alone: work may read files and allocate, but not compute on several threads.
  ChildProcess(std::string name, ChildLimits limits, const std::function<void(Channel&)>& work);
  ~ChildProcess();  // ends the child
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next message that work sent; nothing once it has returned. Throws InputError "FILE: damaged: ..." if the child
  // crashed or reached a limit.
  std::optional<std::string> next();

 private:
  [[noreturn]] void explain_end();
  bool read_exactly(void* out, std::size_t bytes);  // false: the child has ended

  std::string name_;
  ChildLimits limits_;
  int file_ = -1;
  pid_t child_ = -1;
};

}  // namespace pathline
