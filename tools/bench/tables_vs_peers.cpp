// The density of tables by pathline's automatic choice beside what is cheap, on one core.
//
//     tables_vs_peers [--time SECONDS] [TABLE ...]
//
// A TABLE is a file that `pathline train` reads, or a directory with train.npy, val.npy and test.npy. Without one:
// power and protein of /work/shared/tables and those of datasets/ that are there. Every figure is the mean negative
// log-density of the test rows in nats of standardized columns; seconds are CPU seconds with everything in.

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/train_recipe.hpp"
#include "pathline/train/base_fit.hpp"
#include "recipe/automatic.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

double cpu_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// log of the mean over the training rows of N(x; row, h^2).
RowVector<double> kernel_log_density(const Matrix<double>& rows, const Matrix<double>& x, double h) {
  const double d = static_cast<double>(rows.rows());
  const Vector<double> squares = rows.colwise().squaredNorm().transpose();
  const double norm = -std::log(static_cast<double>(rows.cols())) - d * std::log(h) - 0.5 * d * std::log(2 * M_PI);
  RowVector<double> out(x.cols());
  Vector<double> exponent(rows.cols());
  for (Index b = 0; b < x.cols(); ++b) {
    exponent.noalias() = rows.transpose() * x.col(b);
    exponent = (exponent - 0.5 * squares).array() / (h * h) - 0.5 * x.col(b).squaredNorm() / (h * h);
    const double top = exponent.maxCoeff();
    out[b] = norm + top + std::log((exponent.array() - top).exp().sum());
  }
  return out;
}

struct Line {
  std::string model;
  double nll, seconds, rate;
  std::string note;
};

void print(const Line& line) {
  fmt::print("  {:<28}{:>9.4f}{:>9.1f} s{:>10}  {}\n", line.model, line.nll, line.seconds,
             line.rate > 0 ? fmt::format("{:.0f}/s", line.rate) : "", line.note);
  std::fflush(stdout);
}

// f(): the log-densities of the test rows.
template <class F>
void measure(const std::string& model, Index rows, double fitted, F f, const std::string& note = "") {
  const double began = cpu_seconds();
  const double nll = -f().mean();
  const double took = cpu_seconds() - began;
  print({model, nll, fitted, static_cast<double>(rows) / took, note});
}

void peers(const BaseRows& rows, const Matrix<double>& test) {
  double began = cpu_seconds();
  const auto gaussian = fit_base_member(rows, {.components = 1, .prior_rows = 0}, 0).mixture;
  measure("Gaussian", test.cols(), cpu_seconds() - began, [&] { return gaussian.log_density(test); });

  began = cpu_seconds();
  const auto mixture = choose_mixture(rows.training, Vector<double>(), rows.validation, Vector<double>(), {5, 10, 20, 30, 50},
                                      MixtureOptions{});
  measure(
      "mixture, 5 to 50", test.cols(), cpu_seconds() - began, [&] { return mixture.mixture.log_density(test); },
      fmt::format("{} components by validation", mixture.mixture.components()));

  began = cpu_seconds();
  double best = 0, highest = -INFINITY;
  for (double h = 0.02; h < 1; h *= 1.3) {
    const double mean =
        kernel_log_density(rows.training, rows.validation.leftCols(std::min<Index>(1000, rows.validation.cols())), h)
            .mean();
    if (mean > highest) highest = mean, best = h;
  }
  measure(
      "kernel density", test.cols(), cpu_seconds() - began,
      [&] { return kernel_log_density(rows.training, test, best); }, fmt::format("bandwidth {:.3f}", best));
}

Recipe recipe_of(const std::string& table, double seconds) {
  Recipe r;
  r.data.source = table;
  if (fs::is_directory(table)) {
    r.data.source = table + "/train.npy";
    r.data.reading.validation = table + "/val.npy", r.data.reading.test = table + "/test.npy";
  }
  r.model.automatic = true, r.train.seconds = seconds;
  return r;
}

// A neural spline flow (Durkan et al. 2019) of the usual size: five couplings whose networks have two layers of 128.
Recipe spline_flow_of(Recipe r) {
  r.model.automatic = false, r.model.blocks = 0;
  r.model.layers = {.kind = LayerKind::spline_coupling, .count = 5};
  r.model.layers.coupling.hidden = {128, 128};
  r.train.batch = 512, r.train.iterations = 10'000'000;  // as many as fit into the time
  r.train.schedule.kind = Schedule::Kind::trapezoid;
  r.train.ema = 0.995;
  return r;
}

// Trains the recipe and prints its test NLL, after what `before` prints of the result and its CPU seconds.
template <class F>
void measure_training(const std::string& model, const Recipe& recipe, double units, F before) {
  const std::string directory = fs::temp_directory_path() / fmt::format("tables_vs_peers.{}", getpid());
  const double began = cpu_seconds();
  const auto result = train_recipe(recipe, {.directory = directory});
  const double took = cpu_seconds() - began;
  fs::remove_all(directory);
  before(result, took);
  print({model, result.test.nll - units, took, 0,
         fmt::format("+- {:.3f}; best at iteration {} of {}", result.test.nll_error, result.best_iteration,
                     result.iterations)});
}

void compare(const std::string& table, double seconds) {
  const Recipe recipe = recipe_of(table, seconds);
  const TrainingData data = build_data(recipe);
  const BaseRows rows = base_rows_of(data);
  const auto& s = data.standardizer();
  const Matrix<double> test = (data.test().x.colwise() - s.mean).array().colwise() / s.scale.array();
  fmt::print("\n{}: {} training rows of {} columns; {} test rows\n", table, rows.training.cols(), data.dim(),
             test.cols());
  peers(rows, test);

  const double units = s.scale.array().log().sum();
  measure_training("spline flow", spline_flow_of(recipe), units, [](const auto&, double) {});
  measure_training("pathline", recipe, units, [&](const TrainingResult& result, double took) {
    print({"pathline's base alone", result.yardstick->mixture_nll - units, took, 0,
           fmt::format("{} Gaussians", result.yardstick->components)});
  });
}

int run(int argc, char** argv) {
  double seconds = 60;
  std::vector<std::string> tables;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--time" && i + 1 < argc)
      seconds = std::atof(argv[++i]);
    else
      tables.push_back(argv[i]);
  }
  if (tables.empty())
    for (const char* name : {"/work/shared/tables/power", "/work/shared/tables/protein", "datasets/diamonds.csv",
                             "datasets/housing.csv", "datasets/quakes.csv", "datasets/geyser.csv"})
      if (fs::exists(name)) tables.push_back(name);
  fmt::print("{:<30}{:>9}{:>11}{:>10}\n", "test NLL, nats standardized", "nats", "CPU", "densities");
  for (const auto& table : tables) compare(table, seconds);
  return 0;
}

}  // namespace
}  // namespace pathline

int main(int argc, char** argv) {
  try {
    return pathline::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tables_vs_peers: {}\n", error.what());
    return 1;
  }
}
