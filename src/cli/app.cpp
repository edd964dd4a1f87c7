#include "pathline/cli/app.hpp"

#include <cmath>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/option_check.hpp"
#include "pathline/adjoint/nll_gradient.hpp"
#include "pathline/checkpoint/ffjord.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"
#include "pathline/dataset/source.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/model/mlp.hpp"
#include "pathline/optim/adam.hpp"

namespace pathline {
namespace {

struct Options {
  std::string data, model, input, output;
  Index iterations = 2000, batch = 100, count = 10000;
  std::uint64_t seed = 0;
  double learning_rate = 1e-3, rtol = 1e-5, atol = 1e-5;
  int threads = 0;
  bool quiet = false;
};

EvaluationOptions evaluation(const Options& o) { return {.solver = {.rtol = o.rtol, .atol = o.atol}}; }

// Maximum likelihood with Adam and the discrete adjoint; prints the held-out NLL beside the true entropy.
void train(const Options& o) {
  require(o.iterations >= 1, "--iterations", o.iterations, ">= 1");
  require(o.batch >= 1, "--batch", o.batch, ">= 1");
  const auto source = make_source(find_toy(o.data), {.seed = o.seed});
  auto field = std::make_shared<Mlp<float>>(MlpOptions{.dim = source->dim()});
  Engine engine = make_stream(o.seed, "train.initialize");
  field->initialize(engine);
  // FFJORD's clock and T, so that the file has FFJORD's layout.
  Flow<float> flow(Cnf<float>{field, 0.5, FieldClock::data_to_base});
  Vector<double> theta = field->theta().cast<double>();
  Adam adam(theta.size(), {.learning_rate = o.learning_rate});
  Matrix<double> x(source->dim(), o.batch), none(0, 0);
  const GradientOptions options{.solver = {.rtol = o.rtol, .atol = o.atol}};
  for (Index i = 0; i < o.iterations; ++i) {
    Engine stream = make_stream(o.seed, "train.batch", static_cast<std::uint64_t>(i));
    source->batch(stream, x);
    const auto g = nll_gradient(flow, x, none, options);
    adam.step(theta, g.theta);
    field->set_theta(theta.cast<float>());
    if (!o.quiet && (i + 1) % 100 == 0) {
      fmt::print(stderr, "\r{} of {}: NLL {:.4f} nats, NFE {:.0f} ", i + 1, o.iterations, g.nll, g.nfe);
    }
  }
  if (!o.quiet) fmt::print(stderr, "\n");
  write_ffjord(o.output, flow);
  const auto held_out = flow.log_prob(source->test(), none, evaluation(o));
  const double n = static_cast<double>(held_out.log_prob.size()), nll = -held_out.log_prob.mean();
  const double error = std::sqrt((held_out.log_prob.array() + nll).square().mean() / n);
  fmt::print("test NLL {:.4f} +- {:.4f} nats, true entropy {:.4f}, NFE {:.0f}: {}\n", nll, error, *source->entropy(),
             held_out.nfe, o.output);
}

void sample(const Options& o) {
  require(o.count >= 0, "-n", o.count, ">= 0");
  const auto flow = read_ffjord<float>(o.model);
  const auto options = evaluation(o);
  auto file = Hdf5File::create(o.output);
  auto samples = file.create_extendible<double>("samples", {flow.dim()});
  auto density = file.create_extendible<double>("log_density", {});
  const Index part = 1024 * options.tile;  // bounds the memory
  for (Index first = 0; first < o.count; first += part) {
    const auto drawn = flow.sample(std::min(part, o.count - first), o.seed, options, first);
    samples.append(drawn.points);
    density.append(Matrix<double>(drawn.log_prob));
  }
  file.set_attribute("seed", static_cast<std::int64_t>(o.seed));
  file.set_attribute("rtol", o.rtol);
  file.set_attribute("atol", o.atol);
  file.set_attribute("version", PATHLINE_VERSION);
  file.commit();
}

// INPUT is FILE.h5:dataset.
void density(const Options& o) {
  const auto colon = o.input.rfind(':');
  if (colon == std::string::npos) throw InputError(o.input + ": expected FILE.h5:dataset");
  const auto flow = read_ffjord<float>(o.model);
  const auto file = Hdf5File::open(o.input.substr(0, colon));  // a data set does not outlive its file
  const auto points = file.dataset(o.input.substr(colon + 1));
  const Index rows = points.rows(), part = 1 << 16;
  for (Index first = 0; first < rows; first += part) {
    const auto x = points.read_rows<double>(first, std::min(part, rows - first));
    const auto result = flow.log_prob(x, Matrix<double>(0, 0), evaluation(o));
    for (Index i = 0; i < result.log_prob.size(); ++i) fmt::print("{}\n", result.log_prob[i]);
  }
}

}  // namespace

int run_app(int argc, char** argv) {
  CLI::App app("Continuous normalizing flows: train a density, sample it, evaluate it", "pathline");
  app.require_subcommand(1);
  app.set_version_flag("--version", PATHLINE_VERSION);
  Options o;
  auto common = [&](CLI::App* c) {
    c->add_option("--threads", o.threads, "threads; 0: one a core. Results do not depend on it");
    c->add_option("--rtol", o.rtol, "relative tolerance of the solver")->capture_default_str();
    c->add_option("--atol", o.atol, "absolute tolerance of the solver")->capture_default_str();
    c->add_option("--seed", o.seed, "of every random stream")->capture_default_str();
  };
  auto* t = app.add_subcommand("train", "Train by maximum likelihood on a toy");
  t->footer("Example: pathline train --data moons -o moons.h5");
  t->add_option("--data", o.data, "a toy: moons, 8gaussians, ...")->required();
  t->add_option("-o", o.output, "the model to write")->required();
  t->add_option("--iterations", o.iterations)->capture_default_str();
  t->add_option("--batch", o.batch)->capture_default_str();
  t->add_option("--learning-rate", o.learning_rate, "of Adam")->capture_default_str();
  t->add_flag("--quiet", o.quiet, "no progress");
  common(t);
  auto* s = app.add_subcommand("sample", "Draw samples into HDF5: samples (N x d), log_density (N)");
  s->footer("Example: pathline sample moons.h5 -n 10000 -o samples.h5");
  s->add_option("MODEL", o.model)->required();
  s->add_option("-n", o.count, "samples")->capture_default_str();
  s->add_option("-o", o.output, "the file to write")->required();
  common(s);
  auto* d = app.add_subcommand("density", "Print log p of each row, nats, one a line");
  d->footer("Example: pathline density moons.h5 samples.h5:samples");
  d->add_option("MODEL", o.model)->required();
  d->add_option("INPUT", o.input, "FILE.h5:dataset, N x d")->required();
  common(d);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  try {
    set_thread_count(o.threads);
    if (*t) train(o);
    if (*s) sample(o);
    if (*d) density(o);
    return 0;
  } catch (const InputError& e) {
    fmt::print(stderr, "pathline: {}\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    fmt::print(stderr, "pathline: {}\n", e.what());
    return 1;
  }
}

}  // namespace pathline
