#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "app/attributes_text.hpp"
#include "app/column_names.hpp"
#include "app/command.hpp"
#include "app/condition.hpp"
#include "app/number_text.hpp"
#include "app/output.hpp"
#include "app/particle_paths.hpp"
#include "app/picture.hpp"
#include "app/progress_line.hpp"
#include "app/report.hpp"
#include "app/report_page.hpp"
#include "app/run_metrics.hpp"
#include "app/verify_flags.hpp"
#include "core/lower_case.hpp"
#include "io/text_stream.hpp"
#include "pathline/core/error.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/io/replace_file.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/train/evaluate.hpp"
#include "pathline/verify/verify.hpp"
#include "recipe/yardstick.hpp"
#include "train/metrics_line.hpp"

namespace pathline {
namespace {

constexpr std::size_t kMostPageBytes = 3'000'000;  // of a page
constexpr Index kMostFlowColumns = 12;             // of the interactive flow
constexpr double kYardstickSeconds = 5;

struct ReportFlags {
  std::string model, output, data, condition, title;
  bool no_verify = false;
  std::uint64_t seed = 0;
  CommonFlags common;
};

using Rows = std::vector<std::pair<std::string, std::string>>;

void add_training(Rows& rows, const ReportPage& page, const ModelCard& card) {
  for (auto line = card.metrics.rbegin(); line != card.metrics.rend(); ++line) {
    const auto j = read_metrics_line(*line);
    if (!is_best(j)) continue;
    rows.emplace_back("best model",
                      fmt::format("after {:.0f} iterations, {:.1f} s", metric(j, "iteration"), metric(j, "seconds")));
    rows.emplace_back("validation NLL",
                      with_error(metric(j, "validation_nll"), metric(j, "validation_error"), "\u00b1") + " nats");
    if (j.contains("validation_kl"))
      rows.emplace_back("KL(data || model)",
                        with_error(metric(j, "validation_kl"), metric(j, "validation_kl_error"), "\u00b1") + " nats");
    rows.emplace_back("evaluations of the field", fmt::format("{:.0f} of a density", metric(j, "evaluation_nfe")));
    break;
  }
  if (page.metrics.empty()) return;
  const auto last = read_metrics_line(page.metrics.back());
  if (std::isfinite(metric(last, "iteration")))
    rows.emplace_back("training",
                      fmt::format("{:.0f} iterations in {:.1f} s", metric(last, "iteration"), metric(last, "seconds")));
}

void add_solve(Rows& rows, const EvaluationOptions& options) {
  const auto& s = options.solver;
  rows.emplace_back("solver", s.steps > 0
                                  ? fmt::format("{}, {} step{}", to_string(s.stepper), s.steps, s.steps == 1 ? "" : "s")
                                  : fmt::format("{}, rtol {:g}, atol {:g}", to_string(s.stepper), s.rtol, s.atol));
}

void add_flow(Rows& rows, const Flow<double>& flow) {
  for (const auto* block : flow.blocks())
    rows.emplace_back("vector field", fmt::format("{} ({}), T = {:.4g}", block->field->kind(),
                                                  text_of(block->field->describe()), block->end_time));
  rows.emplace_back("base distribution", to_string(flow.base->kind()));
  rows.emplace_back("parameters", std::to_string(flow.theta().size()));
}

Rows summary_of(const ReportPage& page, const Model<double>& model, const std::string& file, const std::string& source,
                const EvaluationOptions& options) {
  const auto& card = model.card;
  Rows rows{{"model", file}, {"columns", fmt::format("{}", fmt::join(page.columns, ", "))}};
  if (!card.condition_columns.empty())
    rows.emplace_back("condition", fmt::format("{}", fmt::join(card.condition_columns, ", ")));
  if (!source.empty())
    rows.emplace_back("data", is_toy(source) ? source + ": " + find_toy(source).description() : source);
  add_training(rows, page, card);
  if (const auto* mixture = model.flow.members()) {
    rows.emplace_back("density", fmt::format("the mixture of {} flows, the first of which is", mixture->components()));
    add_flow(rows, mixture->members().front());
  } else {
    add_flow(rows, model.flow);
  }
  add_solve(rows, options);
  rows.emplace_back("digest", card.digest);
  rows.emplace_back("written by", "pathline " + card.version + ", " + card.precision);
  return rows;
}

std::string picture(const ReportFlags& f, double size) {
  PlotFlags plot;
  plot.models = {f.model}, plot.output = "sheet.png", plot.data = f.data, plot.condition = f.condition;
  plot.samples = 4000, plot.cells = 160, plot.size = size, plot.seed = f.seed;
  plot.common = f.common;
  return picture_of(plot);
}

// The table of the training or of --data, if it may be opened: see plotted_data.
std::optional<TrainingData> table_of(const ReportFlags& f, const ModelCard& card) {
  if (card.recipe.empty()) return std::nullopt;
  Recipe recipe = parse_recipe(card.recipe, card.file + ": its recipe");
  const bool same = f.data.empty() || f.data == recipe.data.source;
  if (!same || is_toy(recipe.data.source) || recipe.data.source.empty()) return std::nullopt;
  if (f.data.empty() && (!std::filesystem::is_directory(f.model) || is_text_stream(recipe.data.source)))
    return std::nullopt;
  if (!std::filesystem::is_directory(f.model)) recipe.data.reading.validation.clear(), recipe.data.reading.test.clear();
  try {
    return build_data(recipe);
  } catch (const InputError&) {  // a note of the picture says why
    return std::nullopt;
  }
}

void add_yardstick(ReportPage& page, const ReportFlags& f, const Model<double>& model, EvaluationOptions options) {
  const auto data = table_of(f, model.card);
  if (!data || data->dim() != model.flow.dim()) return;
  options.threads = f.common.threads;
  ProgressLine progress(f.common.quiet, "", 0);
  progress.say(fmt::format("{:.0f} s left at most  fitting simpler models", kYardstickSeconds));
  page.yardstick = measure(model.flow, *data, nullptr, options, kYardstickSeconds);
  if (!page.yardstick) return;
  const auto& test = data->test();
  const auto e = evaluate(model.flow, test.x, test.c, options, {}, data->test_weights());
  page.nll = e.nll, page.nll_error = e.nll_error;
}

void add_checks(ReportPage& page, const ReportFlags& f, const std::string& file, const ModelCard& card) {
  VerifyFlags verify{.model = f.model, .data = f.data, .json = false, .seed = f.seed, .common = f.common};
  Index done = 0;
  ProgressLine progress(f.common.quiet, "checks", 1 + std::ssize(checks()));  // and the digest
  page.checks = results_of(verify, file, card, page.compared_with, [&](const Check&) { progress(++done); });
}

std::string kind_of(const Flow<double>& flow) {
  if (const auto* ensemble = flow.members())
    return fmt::format("An ensemble of {} normalizing flows", ensemble->components());
  return flow.end_time() > 0 ? "A continuous normalizing flow" : "A normalizing flow";
}

void add_frames(ReportPage& page, const ReportFlags& f, const Model<double>& model) {
  const Index d = model.flow.dim();
  const bool has_time = model.flow.end_time() > 0;
  if (d > kMostFlowColumns || (d <= 2 && !has_time)) {
    f.common.note(
        d > kMostFlowColumns
            ? fmt::format("the page has no interactive flow: the model has more than {} columns", kMostFlowColumns)
        : model.flow.members() ? "the page has no interactive flow: an ensemble has no common map from a base to the data"
                               : "the page has no interactive flow: the model solves no ODE");
    return;
  }
  if (const auto text = way_of_particles(model.flow); !text.empty()) f.common.note(text);
  FlowFrameOptions options{.seed = f.seed};
  options.particles = d <= 2 ? 500 : std::min<Index>(1500, 8000 / d);
  options.cells = d == 1 ? 200 : 72;
  const auto condition = parse_condition(f.condition, model.card, model.flow.condition_dim());
  ProgressLine progress(f.common.quiet, "percent of the frames", 100);
  page.frames = flow_frames(model.flow, options, condition, f.common.threads,
                            [&](double part) { progress(static_cast<Index>(100 * part)); });
  if (const auto note = note_of_rest(*page.frames); !note.empty()) page.summary.emplace_back("flow", note);
}

int run(const ReportFlags& f) {
  const std::string file = model_file(f.model);
  if (!lower_case(f.output).ends_with(".html")) throw InputError(f.output + ": expected a name that ends with .html");
  require_another_file(f.output, {{file, "the model"}, {f.data, "the data"}});
  if (is_text_stream(f.data))
    throw InputError(f.data +
                     ": a page reads its data several times, and a stream can be read once; save it to a file first");
  const auto model = read_model<double>(file);
  const auto options = evaluation_options(model.card, f.common);
  ReportPage page;
  page.columns = column_names(model.card, model.flow.dim());
  page.title = f.title.empty() ? std::filesystem::path(f.model).lexically_normal().string() : f.title;
  page.recipe = model.card.recipe, page.metrics = metrics_of(f.model, model.card);
  std::string source = f.data;
  if (source.empty() && !page.recipe.empty()) source = parse_recipe(page.recipe, file + ": its recipe").data.source;
  page.lead =
      fmt::format("{} of {} column{}{}{}.", kind_of(model.flow), model.flow.dim(), model.flow.dim() == 1 ? "" : "s",
                  source.empty() ? "" : ", compared with " + source, f.condition.empty() ? "" : ", at " + f.condition);
  page.summary = summary_of(page, model, file, source, options);
  page.picture = picture(f, 800);
  add_frames(page, f, model);
  add_yardstick(page, f, model, options);
  if (!f.no_verify) add_checks(page, f, file, model.card);
  std::string html = html_of(page);
  for (const double size : {560.0, 400.0}) {
    if (html.size() <= kMostPageBytes) break;
    page.picture = picture(f, size), html = html_of(page);
  }
  write_text_file(f.output, html);
  return 0;
}

}  // namespace

void add_report_command(Command app, Action& chosen) {
  auto f = std::make_shared<ReportFlags>();
  auto c =
      app.add_command("report", "Write one page for the browser: what was trained, its checks and its flow in motion");
  c.footer(
      "Examples:\n"
      "  pathline report models/moons.h5 -o moons.html\n"
      "  pathline report models/geyser.h5 --data datasets/geyser.csv -o geyser.html\n"
      "The page is one file and loads nothing from a network.");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("-o,--output", f->output, "PAGE.html").required();
  c.add_option("--data", f->data, "data to show and to compare with; default: that of the training");
  c.add_option("--condition", f->condition, "values of the condition: 0.5,1.2, or mass=91.2 by name");
  c.add_option("--title", f->title, "heading of the page; default: the name of the model");
  c.add_flag("--no-verify", f->no_verify, "leave out the checks of `pathline verify`, which take the longest");
  c.add_option("--seed", f->seed, "seed of all draws").show_default();
  f->common.add_table_to(c);
  c.group("Solver");
  f->common.timeout = 60;
  f->common.add_timeout_to(c, "CPU seconds that the solves of a check may take together");
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
