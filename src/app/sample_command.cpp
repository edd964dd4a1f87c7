#include <fmt/format.h>

#include "app/command.hpp"
#include "app/output.hpp"
#include "app/part_size.hpp"
#include "app/progress_line.hpp"
#include "core/option_check.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {
namespace {

struct SampleFlags {
  std::string model, output, condition;
  Index count = 10000, trajectory = 0;
  std::uint64_t seed = 0;
  bool log_density = false;
  CommonFlags common;
  SolveFlags solve;
};

std::vector<double> path_times(Index count, double end) {
  std::vector<double> times;
  for (Index k = 0; k < count; ++k)
    times.push_back(k + 1 == count ? end : end * static_cast<double>(k) / static_cast<double>(count - 1));
  return times;
}

template <class S> int run_as(const SampleFlags& f) {
  const auto model = read_model<S>(model_file(f.model));
  const auto& flow = model.flow;
  auto options = evaluation_options(model.card, f.solve, f.common);
  options.density = f.log_density;
  options.seed = f.seed;
  const Matrix<double> condition = parse_condition(f.condition, flow.condition_dim());
  const Index d = flow.dim();

  auto file = Hdf5File::create(f.output);
  auto samples = file.create_extendible<double>("samples", {d});
  if (!model.card.columns.empty()) samples.set_attribute("columns", model.card.columns);
  std::optional<Hdf5Dataset> density, trajectory;
  if (f.log_density) density = file.create_extendible<double>("log_density", {});
  const auto times = path_times(f.trajectory, flow.end_time());
  if (!times.empty()) {
    trajectory = file.create_dataset<double>("trajectory", {f.trajectory, f.count, d});
    file.write_values<double>("time", {f.trajectory}, times.data());
  }
  double evaluations = 0;
  ProgressLine progress(f.common.quiet, "samples", f.count);
  PartSize part;
  for (Index first = 0, n = 0; first < f.count; first += n) {
    n = std::min(part.next(), f.count - first);
    std::vector<Matrix<double>> along;
    options.first = first;
    const auto drawn = flow.trajectory(flow.draw_base(n, f.seed, options.tile, first), times, along, options,
                                       condition.replicate(1, condition.rows() > 0 ? n : 1));
    samples.append(drawn.points);
    if (density) density->append(Matrix<double>(drawn.log_prob));
    for (Index k = 0; k < f.trajectory; ++k)
      trajectory->write_block<double>({k, first, 0}, {1, n, d}, along[static_cast<std::size_t>(k)].data());
    evaluations += drawn.nfe * static_cast<double>(n);
    progress(first + n);
  }
  file.set_attribute("seed", f.seed);
  file.set_attribute("model", f.model), file.set_attribute("digest", model.card.digest);
  write_solve(file, options, std::is_same_v<S, float> ? "float" : "double");
  file.set_attribute("nfe", f.count > 0 ? evaluations / static_cast<double>(f.count) : 0.0);
  if (condition.rows() > 0)
    file.set_attribute("condition", std::vector<double>(condition.data(), condition.data() + condition.size()));
  file.commit();
  return 0;
}

int run(const SampleFlags& f) {
  f.common.apply();
  require(f.count >= 0, "-n", f.count, ">= 0");
  require(f.trajectory == 0 || f.trajectory >= 2, "--trajectory", f.trajectory,
          ">= 2: times from the base to the data, both included");
  require_hdf5_file(f.output, "samples");
  require_another_file(f.output, {{model_file(f.model), "the model"}});
  return is_double(read_card(model_file(f.model)), f.common) ? run_as<double>(f) : run_as<float>(f);
}

}  // namespace

void add_sample_command(CLI::App& app, Action& chosen) {
  auto f = std::make_shared<SampleFlags>();
  auto* c = app.add_subcommand(
      "sample", "Draw samples into HDF5: samples (N x d), optionally log_density (N) and trajectory (K x N x d)");
  c->footer(
      "Examples:\n"
      "  pathline sample runs/moons -n 1000000 -o samples.h5 --log-density\n"
      "  pathline sample moons.h5 -n 500 -o paths.h5 --trajectory 20");
  c->add_option("MODEL", f->model, "a model file or the directory of a run")->required();
  c->add_option("-n,--count", f->count, "samples")->capture_default_str();
  c->add_option("-o,--output", f->output, "output file")->required();
  c->add_option(
       "--seed", f->seed,
       "seed of the draws; the same seed and options give the same samples (--log-density changes them by about the "
       "tolerance)")
      ->capture_default_str();
  c->add_flag("--log-density", f->log_density, "also write the log-density of each sample, in nats");
  c->add_option("--trajectory", f->trajectory,
                "also write the samples at K evenly spaced times from the base to the data");
  c->add_option("--condition", f->condition, "values of the condition, separated by commas: 0.5,1.2");
  f->solve.add_to(c);
  f->common.add_to(c);
  c->callback([f, &chosen] { chosen = [f] { return run(*f); }; });
}

}  // namespace pathline
