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

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);  // a write to a pipe without a reader fails instead: a report may, a result may not
  pathline::remove_temporaries_on_signals();
  pathline::skip_hdf5_exit_handler();
  pathline::read_hdf5_in_child(true);
  return pathline::run_app(argc, argv);
}
