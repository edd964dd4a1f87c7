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
  double wait = 300;   // seconds by the clock between two messages: of a child that hangs, which takes no CPU time
};

// The HDF5 library may crash, loop or ask for gigabytes on a damaged file. What it does in a child process is an
// InputError here.
class ChildProcess {
 public:
  // The child's end.
  class Channel {
   public:
    Channel(int file, const ChildLimits& limits) : file_(file), limits_(limits) {}
    void send(std::string_view message);  // the limit of time begins anew

   private:
    friend class ChildProcess;
    void write(char kind, std::string_view message);
    int file_;
    ChildLimits limits_;
  };

  // Forks; the child runs work(channel). An exception of it is thrown by next() as an InputError (of an InputError) or
  // a std::runtime_error. name: the file, for messages. Throws std::system_error if there can be no more processes.
  //
  // The child is a copy of this thread alone, so a lock that another thread holds at the fork stays locked in it for
  // ever. Those of malloc and stdio are not among them, because glibc's fork() takes and frees them. Work may therefore
  // read files and allocate, but not compute on several threads. The command forks between the parallel loops, whose
  // threads then hold nothing; should a child of another program hang all the same, `wait` makes an error of it.
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
