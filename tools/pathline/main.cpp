#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "pathline/app/app.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/replace_file.hpp"

namespace {

// A standard stream that is closed would give its number to the next file that is opened, and messages would go there.
// Results that nobody can read are an error: the standard output is opened for reading, so that a write fails.
void open_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

#if defined(__x86_64__) && defined(__SSE4_2__)
// Runs before every other code of the program, which may use instructions that an older CPU does not have and would end
// with an illegal instruction there. It is itself compiled for any CPU.
[[gnu::constructor(101), gnu::target("arch=x86-64")]] void require_cpu() {
  __builtin_cpu_init();
  bool there = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
#if defined(__AVX2__)
  there = there && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
#endif
#if defined(__AVX512F__)
  there = there && __builtin_cpu_supports("avx512f");
#endif
  if (there) return;
  constexpr char kMessage[] =
#if defined(__AVX512F__)
      "pathline: this build needs a CPU with AVX-512; build with -DPATHLINE_NATIVE=OFF for other CPUs\n";
#elif defined(__AVX2__)
      "pathline: this build needs a CPU with AVX2; build with -DPATHLINE_NATIVE=OFF for other CPUs\n";
#else
      "pathline: this build needs a CPU with SSE4.2; build with -DPATHLINE_NATIVE=ON on this machine\n";
#endif
  (void)!::write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  ::_exit(1);
}
#endif

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);  // a write to a pipe without a reader fails instead: a report may, a result may not
  pathline::remove_temporaries_on_signals();
  pathline::skip_hdf5_exit_handler();
  pathline::read_hdf5_in_child(true);
  return pathline::run_app(argc, argv);
}
