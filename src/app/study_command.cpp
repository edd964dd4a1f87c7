#include <filesystem>

#include <fmt/format.h>

#include "app/command.hpp"
#include "app/condition.hpp"
#include "app/progress_line.hpp"
#include "app/run_metrics.hpp"
#include "app/study.hpp"
#include "app/text_file.hpp"
#include "core/option_check.hpp"
#include "pathline/app/figure.hpp"
#include "pathline/core/error.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

struct StudyFlags {
  std::string model, output, condition;
  Index points = 200;
  std::uint64_t seed = 0;
  CommonFlags common;
};

int run(const StudyFlags& f) {
  require(f.points >= 2 && f.points <= 100000, "--points", f.points, "in [2, 100000]");
  const auto card = read_card(model_file(f.model));
  if (std::filesystem::exists(f.output) && !std::filesystem::is_directory(f.output))
    throw InputError("-o " + f.output + ": is a file; study writes a directory");
  const auto flow = read_model<double>(model_file(f.model)).flow;
  refuse_ensemble(flow, f.model);
  if (flow.blocks().empty()) throw InputError(f.model + ": has no continuous block: there is no ODE to study");
  const Matrix<double> condition = parse_condition(f.condition, card, flow.condition_dim());
  const auto subject =
      study_subject(model_file(f.model), f.points, f.seed, condition, metrics_of(f.model, card), f.common.threads);
  make_directory(f.output);

  constexpr StudyChart (*kStudies[])(const StudySubject&) = {study_tolerances, study_steppers, study_gradients,
                                                             study_training, study_residual_network};
  ProgressLine progress(f.common.quiet, "studies", std::size(kStudies));
  const std::string name = std::filesystem::path(f.model).filename().string();
  plot::Figure sheet({.title = name, .columns = 2, .panel_size = 380});
  Index done = 0;
  for (const auto study : kStudies) {
    const auto chart = study(subject);
    fmt::print("{}", chart.summary);
    progress(++done);
    if (chart.curves.empty()) continue;
    const std::string stem = f.output + "/" + chart.name;
    write_text_file(stem + ".csv", chart.csv());
    plot::Figure figure({.title = name, .columns = 1, .panel_size = 460});
    chart.draw(figure), chart.draw(sheet);
    figure.save(stem + ".png"), figure.save(stem + ".svg");
  }
  sheet.save(f.output + "/study.png"), sheet.save(f.output + "/study.svg");
  return 0;
}

}  // namespace

void add_study_command(Command app, Action& chosen) {
  auto f = std::make_shared<StudyFlags>();
  auto c = app.add_command("study", "Measure a model's solver, gradient and training: charts and tables of each");
  c.footer(
      "Examples:\n"
      "  pathline study models/8gaussians_small.h5 -o study\n"
      "  pathline study models/moons.h5 --points 50 -o moons\n"
      "Writes into the directory, each as .csv, .png and .svg:\n"
      "  error_against_nfe              the error of z(0) against evaluations, for every stepper\n"
      "  log_density_against_tolerance  the error of log p, in float and in double\n"
      "  gradient_against_cost          the error of the gradient, for every adjoint method\n"
      "  nfe_through_training           evaluations against the iteration, if the model has its metrics\n"
      "  residual_network               K layers of the field as a residual network against its ODE\n"
      "and study.png and study.svg with all of them. Errors are against double at a tolerance of 1e-12.");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("-o,--output", f->output, "directory for the charts and tables").required();
  c.add_option("--points", f->points, "draws of the model at which it is studied").show_default();
  c.add_option("--condition", f->condition, "values of the condition: 0.5,1.2, or mass=91.2 by name");
  c.add_option("--seed", f->seed, "seed of the draws").show_default();
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
