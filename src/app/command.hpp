// The subcommands of pathline. Each adds itself to the parser and sets `chosen` if the command line chooses it.
#pragma once

#include "app/flags.hpp"

namespace pathline {

void add_train_command(CLI::App& app, Action& chosen);
void add_sample_command(CLI::App& app, Action& chosen);
void add_density_command(CLI::App& app, Action& chosen);
void add_plot_command(CLI::App& app, Action& chosen);
void add_info_command(CLI::App& app, Action& chosen);
void add_data_command(CLI::App& app, Action& chosen);
void add_import_command(CLI::App& app, Action& chosen);
void add_verify_command(CLI::App& app, Action& chosen);
void add_fit_command(CLI::App& app, Action& chosen);
void add_predict_command(CLI::App& app, Action& chosen);
void add_dynamics_command(CLI::App& app, Action& chosen);

}  // namespace pathline
