#include "pathline/cli/app.hpp"

#include <new>
#include <string>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "pathline/core/error.hpp"

namespace pathline {

int run_app(int argc, char** argv) {
  CLI::App app("Continuous normalizing flows: train a density, sample it, evaluate it", "pathline");
  app.require_subcommand(1);
  app.set_version_flag("--version", PATHLINE_VERSION);
  app.footer("Exit codes: 0 done, 1 a computation failed, 2 bad input, 130 interrupted and saved.");
  Action chosen;
  add_train_command(app, chosen);
  add_sample_command(app, chosen);
  add_density_command(app, chosen);
  add_plot_command(app, chosen);
  add_info_command(app, chosen);
  add_data_command(app, chosen);
  add_import_command(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  try {
    return chosen();
  } catch (const InputError& e) {
    fmt::print(stderr, "pathline: {}\n", e.what());
    return 2;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "pathline: out of memory\n");
    return 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "pathline: {}\n", e.what());
    return 1;
  }
}

}  // namespace pathline
