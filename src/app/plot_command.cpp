#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/condition.hpp"
#include "app/field_picture.hpp"
#include "app/grid.hpp"
#include "app/number_text.hpp"
#include "app/report.hpp"
#include "app/run_metrics.hpp"
#include "core/option_check.hpp"
#include "pathline/app/figure.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/train/evaluate.hpp"
#include "train/density_statistics.hpp"
#include "train/metrics_line.hpp"

namespace pathline {
namespace {

constexpr Index kPairs = 6;  // coordinates in a corner plot

struct PlotFlags {
  std::string model, output, data, condition;
  Index samples = 10000, cells = 240;
  std::uint64_t seed = 0;
  bool paths = false, training = false, field = false, residual = false;
  CommonFlags common;
  Command command;  // tells which options were given
};

// The data that is drawn beside the model: the training data, or that of --data.
struct Reference {
  Matrix<double> x;                // d x N; no columns if there is none
  Matrix<double> judged;           // the points of the number in the title: held out, each row once
  RowVector<double> weights = {};  // of each judged row; empty: all are equal
  const Toy* toy = nullptr;
  std::string source = {}, judged_by = "NLL";
};

// Adds the held-out rows first, and then the training rows, each once.
void add_table(const PlotFlags& f, const Recipe& recipe, bool trained_on, Index dim, Reference& out) {
  const TrainingData data = build_data(recipe);
  if (data.dim() != dim)
    throw InputError(fmt::format("{}: has {} columns; the model has {}", out.source, data.dim(), dim));
  const auto &test = data.test().x, &validation = data.validation().x, training = data.training()->x;
  Matrix<double> all(dim, test.cols() + validation.cols() + training.cols());
  all << test, validation, training;
  out.x = all.leftCols(std::min(f.samples, all.cols()));
  if (data.test_weights().size() > 0) {  // rows are drawn with probabilities given by the weights
    out.x = data.batch(0, f.samples).x;
    out.weights = data.test_weights().head(std::min(f.samples, test.cols()));
  }
  if (!trained_on)
    for (const auto& note : data.notes()) f.common.note(note);
  if (trained_on)
    out.judged = test.leftCols(std::min(f.samples, test.cols())), out.judged_by = "test NLL";
  else
    out.judged = out.x;
}

Reference reference(const PlotFlags& f, const ModelCard& card, Index dim) {
  Recipe recipe;
  if (!card.recipe.empty()) recipe = parse_recipe(card.recipe, card.file + ": its recipe");
  const bool trained_on = f.data.empty() || f.data == recipe.data.source;
  if (!trained_on) {
    recipe.data.source = f.data;
    auto& reading = recipe.data.reading;
    if (!reading.weights.empty()) reading.weights.clear(), reading.columns = card.columns;
  }
  // The recipe of a run's directory names tables of the user's; that of a file may name any file of the machine.
  const bool own = std::filesystem::is_directory(f.model);
  if (!own || !trained_on) recipe.data.reading.validation.clear(), recipe.data.reading.test.clear();
  f.common.keys.apply_to(recipe);
  Reference out{.x = Matrix<double>(dim, 0), .judged = Matrix<double>(dim, 0), .source = recipe.data.source};
  if (out.source.empty() || !recipe.data.reading.condition.empty()) return out;
  if (is_toy(out.source)) {
    out.toy = &find_toy(out.source);
    out.x.resize(2, f.samples);
    Engine engine = make_stream(f.seed, "plot.data");
    out.toy->sample(engine, out.x);
    out.judged = out.x;
    return out;
  }
  if (!own && f.data.empty()) {
    if (!f.common.quiet)
      report_note("the plot is drawn without data: {} names {}, which is opened only if --data names it", f.model,
                  out.source);
    out.source.clear();
    return out;
  }
  try {
    add_table(f, recipe, trained_on, dim, out);
  } catch (const InputError& error) {
    if (!f.data.empty()) throw;
    out.source.clear();
    f.common.note(
        fmt::format("the plot is drawn without data: {}; use --data to give its present location", error.what()));
  }
  return out;
}

std::string column(const ModelCard& card, Index i) {
  return i < static_cast<Index>(card.columns.size()) ? card.columns[static_cast<std::size_t>(i)]
                                                     : fmt::format("x{}", i + 1);
}

// The names of the columns beyond the first kPairs, at most five of them.
std::string hidden_columns(const ModelCard& card, Index d) {
  std::string out = column(card, kPairs);
  for (Index i = kPairs + 1; i < std::min(d, kPairs + 5); ++i) out += ", " + column(card, i);
  return d > kPairs + 5 ? out + ", ..." : out;
}

// The condition as it is written in p(x2 | x1 = 0.5), " | x1 = 0.5"; "" without a condition.
std::string of_condition(const ModelCard& card, const Matrix<double>& condition) {
  std::string out;
  for (Index i = 0; i < condition.rows(); ++i)
    out += fmt::format("{}{} = {:g}", i ? ", " : " | ", card.condition_columns.at(static_cast<std::size_t>(i)),
                       condition(i, 0));
  return out;
}

// The true log p(x | c) for a model of one column of a toy given the other.
std::optional<RowVector<double>> conditional_truth(const ModelCard& card, const Matrix<double>& x,
                                                   const Matrix<double>& c, int threads) {
  if (c.rows() == 0 || card.recipe.empty()) return std::nullopt;
  Recipe recipe = parse_recipe(card.recipe, card.file + ": its recipe");
  if (!is_toy(recipe.data.source)) return std::nullopt;
  recipe.data.reading.validation_size = recipe.data.reading.test_size = 0;
  return build_data(recipe).log_density({x, c}, threads);
}

// A range from the 0.1 % to the 99.9 % quantile of the points, with a margin.
plot::Range span(const Matrix<double>& a, const Matrix<double>& b, Index row) {
  std::vector<double> v(a.row(row).begin(), a.row(row).end());
  v.insert(v.end(), b.row(row).begin(), b.row(row).end());
  std::erase_if(v, [](double x) { return !std::isfinite(x); });
  if (v.empty()) return {-4, 4};
  std::sort(v.begin(), v.end());
  const double low = v[v.size() / 1000], high = v[v.size() - 1 - v.size() / 1000];
  const double pad = high > low ? 0.08 * (high - low) : 0.5;
  return {low - pad, high + pad};
}

// The same within the bounds of a column, or one period.
template <class S>
plot::Range span_of(const Flow<S>& flow, const Matrix<double>& a, const Matrix<double>& b, Index row) {
  const auto* periods = flow.periods();
  if (periods && periods->length()(row) > 0)
    return {periods->start()(row), periods->start()(row) + periods->length()(row)};
  auto range = span(a, b, row);
  if (const auto* bounds = flow.bounds())
    range = {std::max(range.low, bounds->low()(row)), std::min(range.high, bounds->high()(row))};
  return range;
}

template <class S> struct Picture {
  const PlotFlags& f;
  const Model<S>& model;
  const EvaluationOptions& options;
  const Reference& data;
  Matrix<double> condition, samples;
  std::string title;

  plot::Range range(Index row) const { return span_of(model.flow, data.x, samples, row); }
  Matrix<double> conditions(Index n) const { return condition.replicate(1, condition.rows() > 0 ? n : 1); }

  plot::Figure one_dimension() const {
    plot::Figure figure({.title = title});
    const auto range = this->range(0);
    const Grid grid({{range.low, range.high, 600}});
    const Matrix<double> x = grid.points(0, 600);
    const auto log_p = model.flow.log_prob(x, conditions(600), options).log_prob;
    plot::Series curve{.label = "learned density", .x = {x.data(), x.data() + 600}, .y = {}, .colour = {}};
    for (double v : log_p) curve.y.push_back(std::exp(v));
    std::vector<plot::Series> curves = {curve};
    if (const auto truth = conditional_truth(model.card, x, conditions(600), options.threads)) {
      curves.push_back({.label = "true density", .x = curve.x, .y = {}, .colour = {}});
      for (double v : *truth) curves[1].y.push_back(std::exp(v));
    }
    std::vector<std::pair<std::string, std::vector<double>>> bars;
    if (data.x.cols() > 0) bars.push_back({"data", {data.x.data(), data.x.data() + data.x.size()}});
    bars.push_back({"samples", {samples.data(), samples.data() + samples.size()}});
    const std::string name = column(model.card, 0), given = of_condition(model.card, condition);
    figure.histogram("", bars, curves, {.label = name, .limits = range}, {.label = "p(" + name + given + ")"});
    return figure;
  }

  plot::DensityImage image(const Grid& grid, const RowVector<double>& log_p) const {
    const auto &ax = grid.axes()[0], &ay = grid.axes()[1];
    return {ConstMatrixMap<double>(log_p.data(), ax.count, ay.count), {ax.low, ax.high}, {ay.low, ay.high}};
  }

  plot::Figure two_dimensions() const {
    plot::Figure figure({.title = title, .columns = 5});
    auto rx = range(0), ry = range(1);
    if (data.toy) {
      const auto b = data.toy->bounds();
      rx = {b(0, 0), b(0, 1)}, ry = {b(1, 0), b(1, 1)};
    }
    const plot::Axis x{.label = column(model.card, 0), .limits = rx}, y{.label = column(model.card, 1), .limits = ry};
    const Grid grid({{rx.low, rx.high, f.cells}, {ry.low, ry.high, f.cells}});
    const Matrix<double> points = grid.points(0, grid.size());
    const RowVector<double> learned = model.flow.log_prob(points, conditions(grid.size()), of_an_image()).log_prob;
    std::optional<RowVector<double>> truth;
    double highest = std::exp(learned.maxCoeff());
    if (data.toy) truth = data.toy->log_density(points, options.threads), highest = std::exp(truth->maxCoeff()) * 1.05;
    if (data.x.cols() > 0) figure.scatter("data", {{.points = data.x}}, x, y);
    figure.scatter("samples", {{.points = samples, .colour = plot::line_colour(1)}}, x, y);
    figure.heat_map("learned density", image(grid, learned), x, y, highest);
    if (truth) figure.heat_map("true density", image(grid, *truth), x, y, highest);
    if (f.paths) add_paths(figure, x, y);
    return figure;
  }

  // A shade is one of 256, so that a tolerance of 1e-4 is as good as a smaller one, at half the cost.
  EvaluationOptions of_an_image() const {
    constexpr double kTolerance = 1e-4;
    auto out = options;
    if (!f.common.keys.given("--rtol")) out.solver.rtol = std::max(out.solver.rtol, kTolerance);
    if (!f.common.keys.given("--atol")) out.solver.atol = std::max(out.solver.atol, kTolerance);
    return out;
  }

  void add_paths(plot::Figure& figure, const plot::Axis& x, const plot::Axis& y) const {
    std::vector<Matrix<double>> along;
    std::vector<double> times;
    const double end = model.flow.end_time();
    for (int k = 0; k <= 60; ++k) times.push_back(k == 60 ? end : end * k / 60);
    model.flow.trajectory(model.flow.draw_base(200, f.seed), times, along, options, conditions(200));
    std::vector<plot::Series> series;
    for (Index i = 0; i < 200; ++i) {
      plot::Series s{.label = {}, .x = {}, .y = {}, .colour = plot::Colour{0, 0.447, 0.698, 0.35}};
      for (const auto& points : along) s.x.push_back(points(0, i)), s.y.push_back(points(1, i));
      series.push_back(std::move(s));
    }
    figure.paths("trajectories from the base", series, x, y);
  }

  // A corner plot has histograms on the diagonal and pairs of columns below it.
  plot::Figure many_dimensions() const {
    const Index d = std::min(samples.rows(), kPairs);
    plot::Figure figure({.title = title, .columns = d, .panel_size = 130});
    for (Index i = 0; i < d; ++i)
      for (Index j = 0; j < d; ++j) {
        const plot::Axis x{.label = i + 1 == d ? column(model.card, j) : "", .limits = range(j)};
        const plot::Axis y{.label = j == 0 ? column(model.card, i) : "", .limits = range(i)};
        auto values = [&](const Matrix<double>& m) { return std::vector<double>(m.row(i).begin(), m.row(i).end()); };
        if (j > i)
          figure.blank();
        else if (i == j)
          figure.histogram(
              "",
              {{i == 0 && data.x.cols() > 0 ? "data" : "", values(data.x)}, {i == 0 ? "samples" : "", values(samples)}},
              {}, x);
        else {
          auto pair = [&](const Matrix<double>& m) {
            Matrix<double> p(2, std::min<Index>(m.cols(), 2000));
            p << m.row(j).head(p.cols()), m.row(i).head(p.cols());
            return p;
          };
          figure.scatter("", {{.points = pair(data.x)}, {.points = pair(samples)}}, x, y, plot::Aspect::square);
        }
      }
    return figure;
  }
};

plot::Figure training_figure(const std::vector<std::string>& lines) {
  // The loss of flow matching is a mean square, the others are in nats.
  plot::Series training{.label = "training loss of a batch", .x = {}, .y = {}, .colour = {}};
  plot::Series matching{.label = "flow matching loss of a batch", .x = {}, .y = {}, .colour = {}};
  plot::Series validation{.label = "validation NLL", .x = {}, .y = {}, .colour = {}},
      nfe{.label = "NFE", .x = {}, .y = {}, .colour = {}};
  plot::Series evaluation{.label = "NFE at evaluation", .x = {}, .y = {}, .colour = {}};
  for (const auto& line : lines) {
    const auto j = read_metrics_line(line);
    const double i = metric(j, "iteration");
    if (!std::isfinite(i) || j.contains("event")) continue;
    auto& loss = j.contains("objective") && j["objective"] == "flow_matching" ? matching : training;
    loss.x.push_back(i), loss.y.push_back(metric(j, "loss"));
    validation.x.push_back(i), validation.y.push_back(metric(j, "validation_nll"));
    nfe.x.push_back(i), nfe.y.push_back(metric(j, "nfe"));
    evaluation.x.push_back(i), evaluation.y.push_back(metric(j, "evaluation_nfe"));
  }
  plot::Figure figure({.title = "training"});
  if (!matching.x.empty()) figure.lines("", {matching}, {.label = "iteration"}, {.label = "mean square"});
  std::vector<plot::Series> nats = {validation};
  if (!training.x.empty()) nats.push_back(training);
  figure.lines("", nats, {.label = "iteration"}, {.label = "nats"});
  figure.lines("", {nfe, evaluation}, {.label = "iteration"}, {.label = "evaluations"});
  return figure;
}

// The error that the solve makes in the mean log-density of the judged points; 0 if it cannot be computed.
double solver_bias(const PlotFlags& f, const Reference& data, const RowVector<double>& log_prob,
                   const EvaluationOptions& options) {
  if (options.trace.kind != TraceKind::exact) return 0;
  PointSample sample(256);
  sample.add(data.judged, Matrix<double>(0, data.judged.cols()), log_prob);
  return density_error(read_model<double>(model_file(f.model)).flow, sample, options).bias;
}

template <class S>
std::string title(const PlotFlags& f, const Flow<S>& flow, const Reference& data, const EvaluationOptions& options) {
  std::string text = data.source;
  if (data.judged.cols() == 0) return text;
  std::optional<RowVector<double>> truth;
  if (data.toy) truth = data.toy->log_density(data.judged, options.threads);
  const auto got = flow.log_prob(data.judged, Matrix<double>(0, data.judged.cols()), options);
  const auto e = evaluation_of(got.log_prob, got.nfe, truth, data.weights);
  const double bias = solver_bias(f, data, got.log_prob, options);
  const double value = e.kl ? *e.kl : e.nll, error = e.kl ? *e.kl_error : e.nll_error;
  // A number whose solver error exceeds its standard error is not shown. The title has four digits, hence 1e-3 nats.
  if ((e.kl && is_impossible_kl(*e.kl, *e.kl_error)) || (std::abs(bias) > 1e-3 && !(std::abs(bias) <= 2 * error))) {
    report_warning(
        "the solve is too coarse for the plot's title: {} = {} nats, of which the solve makes "
        "{:.1e}; use a smaller --rtol and --atol, or more --steps",
        e.kl ? "KL(data || model)" : data.judged_by, with_error(value, error), -bias);
    return text + fmt::format(": {} not known, the solve is too coarse (solver error {:.1e} nats), NFE {:.0f}",
                              e.kl ? "KL(data || model)" : data.judged_by, std::abs(bias), e.nfe);
  }
  if (e.kl)
    text += fmt::format(": KL(data || model) = {} nats", with_error(*e.kl, *e.kl_error, "\u00b1"));
  else
    text += fmt::format(": {} = {} nats", data.judged_by, with_error(e.nll, e.nll_error, "\u00b1"));
  return text + fmt::format(", NFE {:.0f}", e.nfe);
}

// Refuses options that a picture of d columns cannot use.
void refuse_useless(const PlotFlags& f, const ModelCard& card, Index d) {
  if (d != 2) {
    const std::string why = fmt::format("applies to a model of two columns; this one has {}", d);
    refuse_ignored(f.command, {"--paths", "--cells"}, why);
  }
  if (d > kPairs)
    f.common.note(
        fmt::format("the plot shows the first {} of {} columns; not shown: {}", kPairs, d, hidden_columns(card, d)));
}

template <class S> int run_as(const PlotFlags& f) {
  const auto model = read_model<S>(model_file(f.model));
  warn_of_format(model.card);
  const auto options = evaluation_options(model.card, f.common);
  const Index d = model.flow.dim();
  auto data = reference(f, model.card, d);
  if (model.flow.periods()) model.flow.periods()->fold(data.x);
  refuse_useless(f, model.card, d);
  Picture<S> picture{f,  model, options, data, parse_condition(f.condition, model.card, model.flow.condition_dim()),
                     {}, {}};
  auto fast = options;
  fast.density = false;
  picture.samples = model.flow.sample(f.samples, f.seed, fast, picture.conditions(f.samples)).points;
  picture.title = title(f, model.flow, data, options);
  if (const auto given = of_condition(model.card, picture.condition); !given.empty())
    picture.title += fmt::format(": p({}{})", fmt::join(model.card.columns, ", "), given);
  const auto figure = d == 1 ? picture.one_dimension() : d == 2 ? picture.two_dimensions() : picture.many_dimensions();
  figure.save(f.output);
  return 0;
}

// The field over the density at five times, in double: the residual needs it, and two pictures of one model are alike.
int plot_field(const PlotFlags& f, const ModelCard& card) {
  refuse_ignored(f.command, {"--data", "--samples", "--paths", "--precision"},
                 "has no effect with --field, which draws the vector field over the density at five times");
  const auto model = read_model<double>(model_file(f.model));
  const auto& flow = model.flow;
  if (flow.dim() != 2)
    throw InputError(fmt::format("--field: draws a model of two columns; this one has {}", flow.dim()));
  if (flow.blocks().empty()) throw InputError("--field: the model has no vector field, only transforms in one step");
  FieldPicture picture{.columns = {column(card, 0), column(card, 1)},
                       .cells = f.cells,
                       .residual = f.residual,
                       .condition = parse_condition(f.condition, card, flow.condition_dim()),
                       .seed = f.seed};
  for (int k = 0; k <= 4; ++k) picture.times.push_back(k == 4 ? flow.end_time() : flow.end_time() * k / 4);
  picture.title = "density and velocity on the way from the base to the data" + of_condition(card, picture.condition);
  field_figure(flow, picture, evaluation_options(card, f.common)).save(f.output);
  return 0;
}

int run(const PlotFlags& f) {
  f.common.check();
  plot::check_figure_name(f.output);
  require(f.samples >= 1, "--samples", f.samples, ">= 1");
  require(f.cells >= 2 && f.cells <= 4000, "--cells", f.cells, "in [2, 4000]");
  const auto card = read_card(model_file(f.model));
  if (f.residual && !f.field) throw InputError("--residual needs --field, whose times and ranges it has");
  if (f.field && f.training) throw InputError("--field and --training are two pictures; ask for one");
  if (f.field) return plot_field(f, card);
  if (f.training) {
    refuse_ignored(f.command,
                   {"--data", "--samples", "--cells", "--paths", "--condition", "--seed", "--stepper", "--rtol",
                    "--atol", "--steps", "--trace", "--probes", "--precision"},
                   "has no effect with --training, which draws what the training recorded");
    training_figure(metrics_of(f.model, card)).save(f.output);
    return 0;
  }
  return is_double(card, f.common) ? run_as<double>(f) : run_as<float>(f);
}

}  // namespace

void add_plot_command(Command app, Action& chosen) {
  auto f = std::make_shared<PlotFlags>();
  auto c = app.add_command("plot", "Plot data, samples, the learned density and, if known, the true density");
  c.footer(
      "Examples:\n"
      "  pathline plot runs/moons -o moons.png\n"
      "  pathline plot runs/moons -o paths.pdf --paths\n"
      "  pathline plot runs/moons -o field.png --field --residual\n"
      "  pathline plot runs/moons -o training.svg --training");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("-o,--output", f->output, "FIG.png, FIG.svg or FIG.pdf").required();
  c.add_option("--data", f->data, "data to show; default: that of the training");
  c.add_option("--samples", f->samples, "number of points of the data and of the model").show_default();
  c.add_option("--cells", f->cells, "cells per side of the density image").show_default();
  c.add_flag("--paths", f->paths, "also draw the trajectories of 200 samples from the base to the data");
  c.add_flag("--field", f->field,
             "the vector field instead: arrows over the density at five times from the base to the data");
  c.add_flag("--residual", f->residual,
             "with --field, also the residual of the continuity equation, |(d/dt + f grad) log p + div f| / (1 + |div "
             "f|), at these times");
  c.add_flag("--training", f->training, "the whole training instead: its loss, validation NLL and NFE");
  c.add_option("--condition", f->condition, "values of the condition: 0.5,1.2, or mass=91.2 by name");
  c.add_option("--seed", f->seed, "seed of the draws").show_default();
  f->common.add_table_to(c);
  f->common.add_solve_to(c);
  f->common.add_to(c);
  f->command = c;
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
