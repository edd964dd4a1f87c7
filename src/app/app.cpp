#include "pathline/app/app.hpp"

#include <cstdlib>
#include <map>
#include <new>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "app/command.hpp"
#include "app/command_line.hpp"
#include "app/report.hpp"
#include "core/instruction_set.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/version.hpp"

namespace pathline {
namespace {

// The environment variable PATHLINE_INSTRUCTION_SET limits the kernels, so that different machines give the same bits.
void limit_by_environment() {
  const char* const variable = std::getenv("PATHLINE_INSTRUCTION_SET");
  const std::string name = variable ? variable : "";
  if (name.empty()) return;
  const std::map<std::string, InstructionSet> sets{
      {"sse4", InstructionSet::sse4}, {"avx2", InstructionSet::avx2}, {"avx512", InstructionSet::avx512}};
  const auto set = sets.find(name);
  if (set == sets.end())
    throw InputError(
        fmt::format("the environment variable PATHLINE_INSTRUCTION_SET is '{}': it must be sse4, avx2 or avx512", name));
  limit_instruction_set(set->second);
  if (instruction_set() != set->second)
    throw InputError(fmt::format(
        "the environment variable PATHLINE_INSTRUCTION_SET is '{}', but this program uses {} on this CPU at that limit",
        name, to_string(instruction_set())));
}

int parse_and_run(CommandLine& line, const Action& chosen, int argc, char** argv) {
  if (!line.parse(argc, argv)) return 0;
  try {
    return chosen();
  } catch (const std::system_error&) {  // from fmt::print
    flush_results();
    throw;
  }
}

int run_commands(int argc, char** argv) {
  limit_by_environment();
  CommandLine line("pathline", "Continuous normalizing flows: train a density, sample it, evaluate it",
                   fmt::format("{}\ninstruction set: {}", version(), to_string(instruction_set())));
  const Command app = line.program();
  app.require_command();
  app.footer(
      "Exit codes: 0 success, 1 a computation failed, 2 bad input, 130 interrupted (`train` has then saved its "
      "state).");
  Action chosen;
  add_train_command(app, chosen);
  add_sample_command(app, chosen);
  add_density_command(app, chosen);
  add_plot_command(app, chosen);
  add_report_command(app, chosen);
  add_animate_command(app, chosen);
  add_watch_command(app, chosen);
  add_info_command(app, chosen);
  add_data_command(app, chosen);
  add_import_command(app, chosen);
  add_verify_command(app, chosen);
  add_reseal_command(app, chosen);
  add_fit_command(app, chosen);
  add_predict_command(app, chosen);
  add_dynamics_command(app, chosen);
  add_distill_command(app, chosen);
  add_study_command(app, chosen);
  add_compare_command(app, chosen);
  add_completion_command(app, chosen);
  add_manual_command(app, chosen);
  return parse_and_run(line, chosen, argc, argv);
}

}  // namespace

int run_app(int argc, char** argv) {
  try {
    const int code = run_commands(argc, argv);
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
