#include "pathline/cli/app.hpp"
#include "pathline/io/hdf5.hpp"

int main(int argc, char** argv) {
  pathline::skip_hdf5_exit_handler();
  return pathline::run_app(argc, argv);
}
