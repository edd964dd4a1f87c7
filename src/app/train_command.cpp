#include <atomic>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "app/command.hpp"
#include "app/event_file.hpp"
#include "app/number_text.hpp"
#include "app/progress_line.hpp"
#include "app/report.hpp"
#include "app/time_text.hpp"
#include "core/clock.hpp"
#include "io/text_stream.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/recipe/build_stages.hpp"
#include "pathline/recipe/train_recipe.hpp"
#include "train/run_directory.hpp"

namespace pathline {
namespace {

std::atomic<bool> g_interrupted{false};

// The signals of Ctrl-C, of a batch system that ends a job, warns before its time limit (--signal=USR1 of SLURM) or
// limits CPU time, and of a terminal that closes.
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU};
struct sigaction g_before[std::size(kSignals)];

void restore_signals() {
  for (std::size_t i = 0; i < std::size(kSignals); ++i) ::sigaction(kSignals[i], &g_before[i], nullptr);
}

// The first of these signals asks for a save; the second ends the process as it would without this handler.
extern "C" void on_interrupt(int) {
  g_interrupted = true;
  restore_signals();
}

// The signals ask for a save while an object of this class exists.
class SaveOnSignal {
 public:
  SaveOnSignal() {
    g_interrupted = false;
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < std::size(kSignals); ++i) {
      ::sigaction(kSignals[i], nullptr, &g_before[i]);
      const bool ignored = kSignals[i] == SIGHUP && g_before[i].sa_handler == SIG_IGN;  // nohup ignores SIGHUP
      if (!ignored) ::sigaction(kSignals[i], &action, nullptr);
    }
  }
  ~SaveOnSignal() { restore_signals(); }
};

struct TrainFlags {
  std::string recipe, output, resume;
  std::vector<std::string> sets;
  std::string time;
  bool force = false, tensorboard = false;
  CommonFlags common;
  std::string data() const { return common.keys.text("--data"); }
};

// Shows the progress: one line that is redrawn on a terminal, or else one line per validation.
class TrainingBar {
 public:
  explicit TrainingBar(bool quiet) : quiet_(quiet), terminal_(stderr_is_terminal()) {}
  ~TrainingBar() {
    if (drawn_) report("\n");
  }
  void operator()(const TrainingProgress& p) {
    if (quiet_) return;
    if (p.iteration == 0) {  // before the first iteration
      report(fmt::format("start: validation {:.4f} nats\n", p.validation ? p.validation->nll : std::nan("")));
      return;
    }
    if (std::isfinite(p.loss))  // a skipped iteration has none
      smooth_ = !started_ || p.stage != stage_ ? p.loss : 0.95 * smooth_ + 0.05 * p.loss;
    started_ = true, stage_ = p.stage;
    if (p.validation) validation_ = fmt::format("  validation {:.4f}", p.validation->nll);
    const double now = seconds_now();
    if (terminal_ ? now - last_ < 0.2 && p.iteration != p.iterations : !p.validation) return;
    last_ = now;
    const std::string stage = p.stages > 1 ? fmt::format("{}/{} {}  ", p.stage + 1, p.stages, p.kind) : "";
    const std::string loss = p.kind == "likelihood" ? "NLL" : "loss";
    const std::string nfe = p.nfe > 0 ? fmt::format("  NFE {:.0f}+{:.0f}", p.nfe, p.backward_nfe) : "";
    const std::string text =
        fmt::format("{} left  {}{} of {}  {} {:.4f}{}{}  {:.0f} samples/s", clock_text(p.seconds_left), stage,
                    p.iteration, p.iterations, loss, smooth_, validation_, nfe, p.samples_per_second);
    if (terminal_)
      draw_line(bar(p) + text), drawn_ = true;
    else
      report(text + "\n");
  }

 private:
  static std::string bar(const TrainingProgress& p) {
    constexpr Index kWidth = 20;
    const Index full = p.iterations > 0 ? kWidth * p.iteration / p.iterations : kWidth;
    return "[" + std::string(static_cast<std::size_t>(full), '=') +
           std::string(static_cast<std::size_t>(kWidth - full), ' ') + "] ";
  }
  bool quiet_, terminal_, drawn_ = false,
                          started_ = false;  // started: whether this process has trained an iteration
  double last_ = 0, smooth_ = 0;
  std::size_t stage_ = 0;
  std::string validation_;
};

// Writes the progress for TensorBoard: the loss now and then, and every validation. A file that cannot be written ends
// this, and not the training.
class TensorBoard {
 public:
  explicit TensorBoard(const std::string& directory) : file_(directory) {}

  void operator()(const TrainingProgress& p) {
    constexpr Index kEvery = 10;
    if (file_.failed() || (!p.validation && p.iteration % kEvery != 0)) return;
    std::vector<Scalar> scalars;
    if (p.iteration > 0)
      scalars = {{"loss/batch", p.loss},
                 {"nfe/forward", p.nfe},
                 {"nfe/backward", p.backward_nfe},
                 {"optimizer/gradient_norm", p.gradient_norm},
                 {"optimizer/learning_rate", p.learning_rate},
                 {"speed/samples_per_second", p.samples_per_second}};
    if (p.validation) {
      scalars.push_back({"loss/validation_nll", p.validation->nll});
      scalars.push_back({"nfe/evaluation", p.validation->nfe});
      if (p.validation->kl) scalars.push_back({"loss/validation_kl", *p.validation->kl});
    }
    file_.add(p.iteration, scalars);
    if (file_.failed()) report_warning("{}: cannot write; nothing more is written for TensorBoard", file_.path());
  }

 private:
  EventFile file_;
};

constexpr double kDefaultSeconds = 60;

// Whether the source is a table and nothing says how to train: the model is then chosen by the data.
bool chooses_itself(const TrainFlags& f) {
  if (!f.recipe.empty() || !f.resume.empty() || !f.sets.empty()) return false;
  for (const char* own :
       {"--iterations", "--batch", "--precision", "--stepper", "--rtol", "--atol", "--steps", "--trace", "--probes"})
    if (f.common.keys.given(own)) return false;
  return !is_toy(f.data());
}

// The recipe, or that of the run to resume, with the options of the command line applied.
Recipe resolve(const TrainFlags& f) {
  Recipe recipe;
  if (!f.resume.empty())
    recipe = recipe_of_run(f.resume);
  else if (!f.recipe.empty())
    recipe = read_recipe(f.recipe);
  f.common.keys.apply_to(recipe);
  if (chooses_itself(f)) recipe.model.automatic = true, recipe.train.seconds = kDefaultSeconds;
  if (!f.time.empty()) recipe.train.seconds = time_of("--time", f.time);
  for (const auto& assignment : f.sets) set(recipe, assignment);
  check_recipe(recipe);
  return recipe;
}

bool ends_with_toml(const std::string& name) { return name.ends_with(".toml") || name.ends_with(".TOML"); }

// Takes the positional argument as --data unless it is a recipe.
TrainFlags with_source(TrainFlags f) {
  if (f.recipe.empty() || ends_with_toml(f.recipe)) return f;
  if (!is_toy(f.recipe) && !names_a_table(split_hdf5_name(f.recipe).first)) {
    if (std::filesystem::is_regular_file(f.recipe)) (void)table_format(f.recipe);  // says how to convert it
    throw InputError(fmt::format(
        "train: '{}': expected a recipe (NAME.toml), a table (NAME.csv, .txt, .npy, .h5, the root of a GetDist chain, "
        "...) or a toy (the nearest is '{}')",
        f.recipe, nearest(f.recipe, toy_names())));
  }
  if (f.common.keys.given("--data"))
    throw InputError(fmt::format("train: expected one table, found '{}' and --data {}", f.recipe, f.data()));
  f.common.keys.set("--data", f.recipe);
  f.recipe.clear();
  return f;
}

// "runs/x.csv.gz:name" and "x.csv" give "x".
std::string stem_of(const std::string& source) {
  if (is_standard_input(source)) return "stdin";
  std::filesystem::path file = std::filesystem::path(split_hdf5_name(source).first).filename();
  if (file.extension() == ".gz") file = file.stem();
  return file.stem().string();
}

std::string directory(const TrainFlags& f) {
  if (!f.resume.empty()) return f.resume;
  if (!f.output.empty()) return f.output;
  return stem_of(f.recipe.empty() ? f.data() : f.recipe);
}

// Prints the code length of discrete data in bits per dimension. For values with a step of `width`, the probability of
// a value is p(x) width^d (Theis et al. 2016, section 3.1; an upper bound).
void print_bits(const TrainingResult& r, double width, Index dim) {
  if (width > 0 && r.test.points > 0)
    fmt::print("bits/dim {:.4f}, of the discrete data with step {:g}\n",
               r.test.nll / (static_cast<double>(dim) * std::log(2.0)) - std::log2(width), width);
}

void print_target(const Evaluation& e) {
  fmt::print("E_q[log q - log p~] {} nats over {} draws, NFE {:.0f}; effective sample size {:.1f} %; log Z {}{}",
             with_error(e.nll, e.nll_error), e.points, e.nfe, 100 * *e.ess, with_error(*e.log_z, *e.log_z_error),
             e.pareto_k && std::isfinite(*e.pareto_k) ? fmt::format(" (Pareto k-hat {:.2f})", *e.pareto_k) : "");
  if (e.kl) fmt::print(", exactly {:.4f}; KL(model || target) {}", *e.kl - e.nll, with_error(*e.kl, *e.kl_error));
  fmt::print("\n");
  if (e.points > 1 && std::isnan(*e.log_z_error))
    report_warning(
        "no standard error of log Z can be stated: the importance weights have too heavy a "
        "tail (Pareto k-hat {:.2f}; an error needs less than 0.7 by a standard error), and log Z is likely too "
        "small; train longer, or take a larger model or more draws (data.test_size)",
        e.pareto_k.value_or(std::nan("")));
  if (has_lost_modes(e))
    report_warning(
        "wider draws give log Z = {}: the flow misses a part of the target, which its effective sample size "
        "cannot detect; train with objective.anneal = 0.2",
        with_error(*e.wide_log_z, *e.wide_log_z_error));
}

void print_yardstick(const TrainingResult& r, bool automatic) {
  if (!r.yardstick) return;
  const auto& y = *r.yardstick;
  fmt::print("for comparison: a Gaussian {}, {} {} nats\n", four_decimals(y.gaussian_nll),
             mixture_text(y.components), four_decimals(y.mixture_nll));
  if (y.excess > std::max(0.02, 2 * y.excess_error))
    report_warning("the model is {} nats worse than {}: train longer{}", with_error(y.excess, y.excess_error),
                   mixture_text(y.components),
                   automatic ? "" : ", or let pathline choose (model.automatic = true, --time)");
}

// A mean may be dominated by one row in a thousand.
void print_far_points(const Evaluation& e) {
  if (!e.far) return;
  const Index n = e.far->points;
  fmt::print("without {} of the points, which {} where the model has next to no density: {} nats\n",
             n == 1 ? "one" : std::to_string(n), n == 1 ? "lies" : "lie", with_error(e.far->nll, e.far->nll_error));
}

// Of the ensemble that was trained in a directory, without reading a file; 0 for one flow.
Index members_in(const std::string& directory) {
  const RunDirectory files(directory);
  Index count = 0;
  if (std::filesystem::exists(files.ensemble()))
    while (std::filesystem::is_directory(files.member(count))) ++count;
  return count;
}

void print_result(const TrainingResult& r, const std::string& directory, bool automatic) {
  const Index members = members_in(directory);
  if (r.test.ess) {
    print_target(r.test);
  } else if (r.test.points > 0) {
    fmt::print("test NLL {} nats over {} points, NFE {:.0f}", with_error(r.test.nll, r.test.nll_error), r.test.points,
               r.test.nfe);
    if (r.test.trace_error)
      fmt::print(
          " (by Hutchinson's trace, whose probes make {:.4f} of the error: the exact trace needs too much memory "
          "or time)",
          *r.test.trace_error);
    if (r.entropy) fmt::print("; entropy of the data {:.4f}", *r.entropy);
    if (r.test.kl) fmt::print("; KL(data || model) {}", with_error(*r.test.kl, *r.test.kl_error));
    fmt::print("\n");
    print_far_points(r.test);
    if (r.test.kl && is_impossible_kl(*r.test.kl, *r.test.kl_error))
      report_warning(
          "KL(data || model) = {} is negative, which no density can have: the solve is too "
          "coarse; use more solver.evaluation.steps or a smaller solver.evaluation.rtol",
          with_error(*r.test.kl, *r.test.kl_error));
  } else if (r.validation.points > 0) {
    fmt::print("validation NLL {} nats; no test points\n", with_error(r.validation.nll, r.validation.nll_error));
  }
  print_yardstick(r, automatic);
  if (r.has_best && r.iterations == 0) {
    fmt::print("no network was trained: {}/model.h5\n", directory);
    return;
  }
  fmt::print("{} iterations in {:.1f} s", r.iterations, r.seconds);
  if (r.has_best && members > 1)
    fmt::print(" for {} members: {}/model.h5\n", members, directory);
  else if (r.has_best)
    fmt::print(", best at {}{}: {}/model.h5\n", r.best_iteration, r.stopped_early ? " (stopped early)" : "", directory);
  else
    fmt::print("; no model.h5 was written because no validation was run\n");
}

int run(const TrainFlags& given_flags) {
  const TrainFlags f = with_source(given_flags);
  const int given = !f.recipe.empty() + !f.resume.empty();
  if (given > 1) throw InputError("train: expected either a RECIPE or --resume, not both");
  if (given == 0 && f.data().empty()) throw InputError("train: expected a table, a RECIPE, --data or --resume");
  if (!f.resume.empty() && f.force)
    throw InputError("--force: a resumed run continues in its directory and replaces nothing");
  if (!f.resume.empty() && !f.output.empty())
    throw InputError("-o: cannot be used with --resume; a resumed run stays in its directory");
  const Recipe recipe = resolve(f);
  const std::string where = directory(f);
  if (const Index beyond = beyond_stages(recipe); beyond > 0)
    f.common.note(
        fmt::format("the last stage also runs the {} iterations by which train.iterations exceeds the stages", beyond));
  TrainingResult result;
  {
    std::optional<TensorBoard> board;
    std::optional<SaveOnSignal> save;  // until there is something to save, a signal ends the process
    TrainingBar bar(f.common.quiet);
    result =
        train_recipe(recipe, {.directory = where,
                              .resume = !f.resume.empty(),
                              .replace = f.force,
                              .begin =
                                  [&] {
                                    if (f.tensorboard) board.emplace(where);
                                    save.emplace();
                                  },
                              .progress =
                                  [&](const TrainingProgress& p) {
                                    bar(p);
                                    if (board) (*board)(p);
                                  },
                              .stop = [] { return g_interrupted.load(); },
                              .threads = f.common.threads,
                              .describe_data = !f.common.quiet,
                              .describe_choice = !f.common.quiet,
                              .note = [&](const std::string& text) { report_note("{}", f.common.keys.worded(text)); }});
  }
  if (result.interrupted) {
    report_line(fmt::format("stopped after {} iterations; continue with: pathline train --resume {}", result.iterations,
                            where));
    return 130;
  }
  print_result(result, where, recipe.model.automatic);
  if (const double width = recipe.data.preparing.dequantize; width > 0 && result.has_best)
    print_bits(result, width, static_cast<Index>(read_card(model_file(where)).columns.size()));
  return 0;
}

}  // namespace

void add_train_command(Command app, Action& chosen) {
  auto f = std::make_shared<TrainFlags>();
  auto c = app.add_command("train", "Train a density; writes model.h5, last.h5 and metrics.jsonl");
  c.footer(
      "Examples:\n"
      "  pathline train models/moons.toml -o runs/moons\n"
      "  pathline train datasets/geyser.csv -o runs/geyser --time 20\n"
      "  pathline train datasets/geyser.csv --columns eruptions,waiting --condition waiting -o runs/given\n"
      "  pathline train --resume runs/given --iterations 2500\n"
      "A default, in parentheses, holds where the recipe does not set the key.");
  c.add_option("SOURCE", f->recipe,
               "a table (FILE.csv, .txt, .npy, .h5:dataset, ...), a toy, or a recipe (FILE.toml); `pathline info "
               "--recipe MODEL` prints the recipe of a model");
  auto& keys = f->common.keys;
  c.group("Data");
  keys.add(c, "--data", "data.source");
  for (const std::string key :
       {"columns", "condition", "weights", "discrete", "bounds", "period", "validation", "test"})
    keys.add(c, "--" + key, "data." + key);
  f->common.add_table_to(c);
  c.group("Run");
  c.add_option("-o,--output", f->output, "directory of the run; default: the name of the recipe or table");
  c.add_option("--resume", f->resume, "continue the run in this directory");
  for (const std::string key : {"iterations", "batch", "seed"}) keys.add(c, "--" + key, "train." + key);
  keys.add(c, "--ensemble", "model.ensemble");
  c.add_option("--set", f->sets, "set any key of the recipe: solver.rtol=1e-4").one_argument_each_time();
  c.add_flag("--force", f->force, "replace an existing run");
  c.add_flag("--tensorboard", f->tensorboard, "also write an event file of TensorBoard into the directory");
  c.add_option("--time", f->time, "time in which the run ends: 60, 10m, 1h; default for a table alone: 60 s");
  c.group("Solver");
  add_solver_keys(keys, c, "solver", "");
  f->common.add_timeout_to(c);
  f->common.add_precision_to(c, "");
  f->common.add_to(c);
  keys.say("--resume", "TrainerOptions.resume");
  keys.say("-o", "TrainerOptions.directory");
  keys.say("--force", "TrainerOptions.replace");
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
