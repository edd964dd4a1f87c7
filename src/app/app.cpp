#include "pathline/app/app.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "app/command.hpp"
#include "app/report.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "pathline/core/version.hpp"

namespace pathline {
namespace {

// The widest vectors that the compiler could use. With PATHLINE_NATIVE, they are those of the machine that built it.
#if defined(__AVX512F__)
constexpr const char* kInstructionSet = "AVX-512";
#elif defined(__AVX2__)
constexpr const char* kInstructionSet = "AVX2";
#else
constexpr const char* kInstructionSet = "the compiler's default";
#endif

template <class T> std::string integer_error(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return "";
  return fmt::format("{}: expected an integer from {} to {}", text, std::numeric_limits<T>::min(),
                     std::numeric_limits<T>::max());
}

// CLI11 clamps an integer that is too large and wraps a negative one for an unsigned type. It names them INT and UINT.
void check_integers(CLI::App& app) {
  for (auto* option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (type == "INT") option->check(integer_error<std::int64_t>);
    if (type == "UINT") option->check(integer_error<std::uint64_t>);
  }
  for (auto* command : app.get_subcommands({})) check_integers(*command);
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

// The error of CLI11 in one line. For an unknown command it suggests the nearest one.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const CLI::App* at = &app;
  std::string path = "pathline";
  for (int i = 1; i < argc; ++i) {
    const auto names = command_names(*at);
    const std::string word = argv[i];
    if (names.empty() || word.starts_with('-')) break;
    if (std::find(names.begin(), names.end(), word) == names.end())
      return fmt::format("unknown command '{}' of {}; did you mean '{}'? ({})", word, path, nearest(word, names),
                         fmt::join(names, ", "));
    at = at->get_subcommand(word), path += " " + word;
  }
  std::string text = error.what();
  if (const auto names = command_names(*at); !names.empty() && dynamic_cast<const CLI::RequiredError*>(&error))
    text = fmt::format("expected a command: {}", fmt::join(names, ", "));
  std::replace(text.begin(), text.end(), '\n', ' ');
  return fmt::format("{}; see {} --help", text, path);
}

int parse_and_run(CLI::App& app, const Action& chosen, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) throw InputError(usage_error(app, e, argc, argv));
    app.exit(e);
    return 0;
  }
  try {
    return chosen();
  } catch (const std::system_error&) {  // from fmt::print
    flush_results();
    throw;
  }
}

}  // namespace

int run_app(int argc, char** argv) {
  CLI::App app("Continuous normalizing flows: train a density, sample it, evaluate it", "pathline");
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("{}\ninstruction set: {}", version(), kInstructionSet));
  app.footer(
      "Exit codes: 0 success, 1 a computation failed, 2 bad input, 130 interrupted (`train` has then saved its "
      "state).");
  Action chosen;
  add_train_command(app, chosen);
  add_sample_command(app, chosen);
  add_density_command(app, chosen);
  add_plot_command(app, chosen);
  add_info_command(app, chosen);
  add_data_command(app, chosen);
  add_import_command(app, chosen);
  add_verify_command(app, chosen);
  add_fit_command(app, chosen);
  add_predict_command(app, chosen);
  add_dynamics_command(app, chosen);
  check_integers(app);
  try {
    const int code = parse_and_run(app, chosen, argc, argv);
    flush_results();
    return code;
  } catch (const InputError& e) {
    report_line(fmt::format("pathline: {}", e.what()));
    return 2;
  } catch (const std::bad_alloc&) {
    report_line("pathline: out of memory");
    return 1;
  } catch (const std::exception& e) {
    report_line(fmt::format("pathline: {}", e.what()));
    return 1;
  }
}

}  // namespace pathline
