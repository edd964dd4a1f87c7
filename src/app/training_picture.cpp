#include "app/training_picture.hpp"

#include <cmath>

#include "train/metrics_line.hpp"

namespace pathline {
namespace {

// One number of each validation of a run.
plot::Series series_of(const std::vector<nlohmann::json>& lines, const char* key, const std::string& label,
                       plot::Colour colour) {
  plot::Series out{.label = label, .x = {}, .y = {}, .colour = colour};
  for (const auto& j : lines) out.x.push_back(metric(j, "iteration")), out.y.push_back(metric(j, key));
  return out;
}

bool has_values(const plot::Series& s) {
  for (const double v : s.y)
    if (std::isfinite(v)) return true;
  return false;
}

bool is_matching(const nlohmann::json& line) {
  return line.contains("objective") && line["objective"] == "flow_matching";
}

struct RecordedRun {
  std::string name;
  plot::Colour colour;
  std::vector<nlohmann::json> all, nats, matching;
};

RecordedRun read(const TrainingLines& run, Index number) {
  RecordedRun out{run.name, plot::line_colour(number), {}, {}, {}};
  for (const auto& line : run.lines) {
    const auto j = read_metrics_line(line);
    if (!std::isfinite(metric(j, "iteration")) || j.contains("event")) continue;
    out.all.push_back(j);
    (is_matching(j) ? out.matching : out.nats).push_back(j);
  }
  return out;
}

}  // namespace

plot::Figure training_picture(const std::vector<TrainingLines>& given, const plot::FigureOptions& options) {
  std::vector<RecordedRun> runs;
  for (const auto& run : given) runs.push_back(read(run, std::ssize(runs)));
  const bool several = runs.size() > 1;
  plot::Figure figure(options);
  std::vector<plot::Series> nats, matching, evaluations, gradient;
  const auto add = [](std::vector<plot::Series>& to, plot::Series s) {
    if (has_values(s)) to.push_back(std::move(s));
  };
  for (const auto& run : runs) {
    plot::Colour faint = run.colour;
    faint.alpha = 0.4;
    const plot::Colour other = several ? faint : plot::line_colour(1);
    // The loss of flow matching is a mean square, the others are in nats.
    add(nats, series_of(run.nats, "loss", several ? "" : "loss of a batch", other));
    add(nats, series_of(run.all, "validation_nll", several ? run.name : "validation NLL", run.colour));
    add(matching, series_of(run.matching, "loss", several ? run.name : "loss of a batch", run.colour));
    add(evaluations, series_of(run.all, "evaluation_nfe", several ? run.name : "of a density", run.colour));
    add(evaluations, series_of(run.all, "nfe", several ? "" : "of a training step", other));
    add(gradient, series_of(run.all, "gradient_norm", several ? run.name : "", run.colour));
  }
  const plot::Axis x{.label = "iteration"};
  if (!matching.empty()) figure.lines("flow matching loss", matching, x, {.label = "mean square"});
  figure.lines(several ? "validation NLL, and the loss of a batch (faint)" : "loss", nats, x, {.label = "nats"});
  figure.lines("evaluations of the field", evaluations, x, {.label = "NFE"});
  figure.lines("norm of the gradient", gradient, x, {.label = "", .scale = plot::Scale::log});
  return figure;
}

}  // namespace pathline
