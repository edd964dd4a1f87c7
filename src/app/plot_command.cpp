#include <fmt/format.h>

#include "app/command.hpp"
#include "app/picture.hpp"
#include "app/picture_file.hpp"
#include "app/run_metrics.hpp"
#include "app/training_picture.hpp"
#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

int run_training(const PlotFlags& f) {
  refuse_ignored(
      f.command,
      {"--data", "--samples", "--cells", "--paths", "--error", "--time", "--columns", "--log", "--truth", "--condition",
       "--seed", "--stepper", "--rtol", "--atol", "--steps", "--trace", "--probes", "--precision"},
      "has no effect with --training, which draws what the training recorded");
  std::vector<TrainingLines> runs;
  for (const auto& model : f.models) {
    const auto card = read_card(model_file(model));
    runs.push_back({model, metrics_of(model, card)});
  }
  const std::string title = !f.title.empty() ? f.title : f.models.size() > 1 ? "" : "training of " + f.model();
  training_picture(runs, {.title = title, .columns = 2, .width = f.size}).save(f.output);
  return 0;
}

int run(const PlotFlags& f) {
  plot::format_of(f.output);
  require(f.samples >= 1, "--samples", f.samples, ">= 1");
  require_memory("--samples", f.samples, 8 * sizeof(double) * static_cast<double>(f.samples));
  require(f.cells >= 2 && f.cells <= 4000, "--cells", f.cells, "in [2, 4000]");
  require(f.size >= 200 && f.size <= 10000, "--size", f.size, "in [200, 10000]");
  if (f.residual && !f.field) throw InputError("--residual needs --field, whose times and ranges it has");
  if (f.field && f.training) throw InputError("--field and --training are two pictures; ask for one");
  if (f.training) return run_training(f);
  if (f.models.size() > 1)
    throw InputError(fmt::format("plot: expected one MODEL, found {}; only --training takes several", f.models.size()));
  write_text_file(f.output, f.field ? field_picture_of(f) : picture_of(f));
  return 0;
}

}  // namespace

void add_plot_command(Command app, Action& chosen) {
  auto f = std::make_shared<PlotFlags>();
  auto c = app.add_command("plot", "Plot data, samples, the learned density and, if known, the true density");
  c.footer(
      "Examples:\n"
      "  pathline plot models/moons.h5 -o moons.png --paths --error\n"
      "  pathline plot models/moons.h5 -o field.png --field --residual --cells 40\n"
      "  pathline plot models/diamonds.h5 -o corner.pdf --columns carat,price --log carat,price\n"
      "  pathline plot models/moons.h5 models/rings.h5 -o training.svg --training");
  c.add_option("MODEL", f->models, "a model file or the directory of a run; several with --training").required();
  c.add_option("-o,--output", f->output, "FIG.png, FIG.svg or FIG.pdf").required();
  c.add_option("--data", f->data, "data to show; default: that of the training");
  c.add_option("--condition", f->condition, "values of the condition: 0.5,1.2, or mass=91.2 by name");
  c.group("What to show");
  c.add_option("--columns", f->columns, "a corner plot of these columns: mass,spin").delimiter(',');
  c.add_option("--log", f->log, "columns with a logarithmic axis").delimiter(',');
  c.add_option("--truth", f->truth, "values to mark: 1.2,0.5 of the columns shown, or mass=91.2 by name");
  c.add_option("--time", f->times, "a row of densities at these times, 0 (base) to the end (data): 0,0.5,1");
  c.add_flag("--error", f->error, "also draw learned minus true density, of a model of a toy");
  c.add_flag("--field", f->field, "the vector field instead: arrows over the density at five times");
  c.add_flag("--residual", f->residual, "with --field: also the residual of the continuity equation");
  c.add_flag("--paths", f->paths, "also draw the trajectories of samples from the base to the data");
  c.add_flag("--training", f->training, "the whole training instead: loss, validation NLL, NFE and gradient norm");
  c.group("Picture");
  c.add_option("--title", f->title, "title; default: the data and how well the model fits them");
  c.add_option("--size", f->size, "width of the picture in px, 1/96 inch; a PNG has two pixels a px").show_default();
  c.add_option("--samples", f->samples, "number of points of the data and of the model").show_default();
  c.add_option("--cells", f->cells, "cells per side of the density image").show_default();
  c.add_option("--seed", f->seed, "seed of the draws").show_default();
  f->common.add_table_to(c);
  f->common.add_solve_to(c);
  f->common.add_to(c);
  f->command = c;
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
