#include "pathline/app/app.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/replace_file.hpp"

int main(int argc, char** argv) {
  pathline::remove_temporaries_on_signals();
  pathline::skip_hdf5_exit_handler();
  return pathline::run_app(argc, argv);
}
