#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "app/animation.hpp"
#include "app/column_names.hpp"
#include "app/command.hpp"
#include "app/condition.hpp"
#include "app/gif.hpp"
#include "app/named_numbers.hpp"
#include "app/output.hpp"
#include "app/particle_paths.hpp"
#include "app/progress_line.hpp"
#include "app/video.hpp"
#include "core/lower_case.hpp"
#include "core/option_check.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

constexpr std::size_t kMostBytes = 4'000'000;  // of a GIF
constexpr int kLeastSize = 200;                // px
constexpr int kGifDelay = 3;                   // hundredths of a second: viewers slow down below 2
constexpr double kHold = 0.8;                  // s at either end
constexpr Index kDrawnForPairs = 6000;         // particles from which the density of a pair of columns is estimated

struct AnimateFlags {
  std::string model, output, condition, title;
  std::vector<std::string> columns;
  double seconds = 2;
  Index particles = 400, size = 420;
  std::uint64_t seed = 0;
  CommonFlags common;
};

std::string suffix_of(const std::string& name) { return lower_case(std::filesystem::path(name).extension().string()); }

void check_name(const std::string& output) {
  const auto suffix = suffix_of(output);
  if (suffix != ".gif" && suffix != ".mp4" && suffix != ".webm")
    throw InputError(output + ": expected a name that ends with .gif, .mp4 or .webm");
  if (suffix != ".gif" && !plot::has_ffmpeg())
    throw InputError(fmt::format(
        "{}: needs the program ffmpeg, which is not installed (apt install ffmpeg); without it, write FLOW.gif",
        output));
}

AnimationView view_of(const AnimateFlags& f, const ModelCard& card, Index d) {
  const auto names = column_names(card, d);
  AnimationView out;
  if (!f.columns.empty()) {
    const auto places = places_of("--columns", f.columns, names);
    if (places.size() != (d == 1 ? 1 : 2))
      throw InputError(
          fmt::format("--columns: expected {}, found {}", d == 1 ? "one column" : "two columns", places.size()));
    out.columns = {static_cast<Index>(places.front()), static_cast<Index>(places.back())};
  } else {
    out.columns = {0, d == 1 ? 0 : 1};
    if (d > 2)
      f.common.note(fmt::format("the animation shows the columns {} and {} of {}; choose others by --columns", names[0],
                                names[1], d));
  }
  for (std::size_t k = 0; k < 2; ++k) out.names[k] = names[static_cast<std::size_t>(out.columns[k])];
  out.title = f.title.empty() ? std::filesystem::path(f.model).stem().string() : f.title;
  out.size = static_cast<int>(f.size) / 2 * 2, out.particles = f.particles;
  return out;
}

// The times of the pictures from the base to the data, both included.
std::vector<double> times_of(const AnimateFlags& f, double end, double rate) {
  const auto steps = std::max<Index>(2, std::lround(f.seconds * rate));
  std::vector<double> out;
  for (Index k = 0; k <= steps; ++k)
    out.push_back(k == steps ? end : end * static_cast<double>(k) / static_cast<double>(steps));
  return out;
}

std::string gif_of(const AnimateFlags& f, const FlowFrames& frames, const AnimationView& view) {
  const auto times = times_of(f, frames.times.back(), 100.0 / kGifDelay);
  std::vector<plot::Pixels> pictures;
  ProgressLine progress(f.common.quiet, "pictures", 2 * std::ssize(times));
  for (const double t : times) pictures.push_back(animation_frame(frames, view, t)), progress(std::ssize(pictures));
  plot::Gif gif(pictures[0].width, pictures[0].height, animation_palette());
  const int hold = static_cast<int>(100 * kHold);
  for (std::size_t k = 0; k < pictures.size(); ++k) gif.add(pictures[k], k + 1 == pictures.size() ? hold : kGifDelay);
  for (std::size_t k = pictures.size() - 1; k-- > 0;) {
    gif.add(pictures[k], k == 0 ? hold : kGifDelay);
    progress(std::ssize(times) + static_cast<Index>(pictures.size() - k));
  }
  return gif.finish();
}

void write_gif(const AnimateFlags& f, const FlowFrames& frames, AnimationView view) {
  for (;;) {
    const std::string bytes = gif_of(f, frames, view);
    const int smaller = view.size * 17 / 20 / 2 * 2;
    if (bytes.size() <= kMostBytes || smaller < kLeastSize) {
      write_text_file(f.output, bytes);
      return;
    }
    f.common.note(
        fmt::format("{:.1f} MB at a size of {} px: the animation is written at {} px, to stay below {:.0f} MB",
                    static_cast<double>(bytes.size()) / 1e6, view.size, smaller, kMostBytes / 1e6));
    view.size = smaller;
  }
}

void write_film(const AnimateFlags& f, const FlowFrames& frames, const AnimationView& view) {
  constexpr int kRate = 30;
  const auto times = times_of(f, frames.times.back(), kRate);
  std::vector<plot::Pixels> forward;
  ProgressLine progress(f.common.quiet, "pictures", std::ssize(times));
  for (const double t : times) forward.push_back(animation_frame(frames, view, t)), progress(std::ssize(forward));
  std::vector<plot::Pixels> all = forward;
  const auto hold = static_cast<std::size_t>(kHold * kRate);
  all.insert(all.end(), hold, forward.back());
  all.insert(all.end(), forward.rbegin(), forward.rend());
  all.insert(all.end(), hold, forward.front());
  plot::write_video(f.output, all, kRate);
}

template <class S> int run_as(const AnimateFlags& f) {
  const auto model = read_model<S>(model_file(f.model));
  const auto& flow = model.flow;
  const auto view = view_of(f, model.card, flow.dim());
  const auto condition = parse_condition(f.condition, model.card, flow.condition_dim());
  FlowFrameOptions options{.frames = 31, .velocity_cells = 0, .seed = f.seed};
  options.cells = flow.dim() == 1 ? 300 : 80;
  options.particles = flow.dim() > 2 ? std::max(f.particles, kDrawnForPairs) : f.particles;
  if (const auto text = way_of_particles(flow); !text.empty()) f.common.note(text);
  FlowFrames frames;
  {
    ProgressLine progress(f.common.quiet, "percent of the flow", 100);
    frames = flow_frames(flow, options, condition, f.common.threads,
                         [&](double part) { progress(static_cast<Index>(100 * part)); });
  }
  if (const auto note = note_of_rest(frames); !note.empty()) f.common.note(note);
  if (suffix_of(f.output) == ".gif")
    write_gif(f, frames, view);
  else
    write_film(f, frames, view);
  return 0;
}

int run(const AnimateFlags& f) {
  check_name(f.output);
  require(f.seconds >= 0.2 && f.seconds <= 60, "--seconds", f.seconds, "in [0.2, 60]");
  require(f.particles >= 1 && f.particles <= 100000, "--particles", f.particles, "in [1, 100000]");
  require(f.size >= kLeastSize && f.size <= 1920, "--size", f.size, "in [200, 1920]");
  require_another_file(f.output, {{model_file(f.model), "the model"}});
  return is_double(read_card(model_file(f.model)), f.common) ? run_as<double>(f) : run_as<float>(f);
}

}  // namespace

void add_animate_command(Command app, Action& chosen) {
  auto f = std::make_shared<AnimateFlags>();
  auto c =
      app.add_command("animate", "Show the flow in motion: density and particles from the base to the data and back");
  c.footer(
      "Examples:\n"
      "  pathline animate models/moons.h5 -o moons.gif\n"
      "  pathline animate models/diamonds.h5 --columns carat,price -o diamonds.gif --seconds 3");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("-o,--output", f->output, "FLOW.gif, of at most 4 MB; .mp4 or .webm where ffmpeg is installed")
      .required();
  c.add_option("--columns", f->columns, "the two columns to show: carat,price").delimiter(',');
  c.add_option("--condition", f->condition, "values of the condition: 0.5,1.2, or mass=91.2 by name");
  c.add_option("--seconds", f->seconds, "time from the base to the data").show_default();
  c.add_option("--particles", f->particles, "number of particles").show_default();
  c.add_option("--size", f->size, "width of the picture in px").show_default();
  c.add_option("--title", f->title, "title; default: the name of the model");
  c.add_option("--seed", f->seed, "seed of the particles").show_default();
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
