// The subcommands of pathline. Each adds itself to the parser and sets `chosen` if the command line chooses it.
#pragma once

#include "app/flags.hpp"

namespace pathline {

void add_train_command(Command app, Action& chosen);
void add_sample_command(Command app, Action& chosen);
void add_density_command(Command app, Action& chosen);
void add_plot_command(Command app, Action& chosen);
void add_report_command(Command app, Action& chosen);
void add_animate_command(Command app, Action& chosen);
void add_watch_command(Command app, Action& chosen);
void add_info_command(Command app, Action& chosen);
void add_data_command(Command app, Action& chosen);
void add_import_command(Command app, Action& chosen);
void add_verify_command(Command app, Action& chosen);
void add_reseal_command(Command app, Action& chosen);
void add_fit_command(Command app, Action& chosen);
void add_predict_command(Command app, Action& chosen);
void add_dynamics_command(Command app, Action& chosen);
void add_distill_command(Command app, Action& chosen);
void add_study_command(Command app, Action& chosen);
void add_compare_command(Command app, Action& chosen);
void add_completion_command(Command app, Action& chosen);
void add_manual_command(Command app, Action& chosen);

}  // namespace pathline
