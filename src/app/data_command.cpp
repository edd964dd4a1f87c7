#include <fmt/format.h>

#include "app/command.hpp"
#include "app/output.hpp"
#include "core/option_check.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/table.hpp"
#include "pathline/recipe/build_data.hpp"

namespace pathline {
namespace {

struct DataFlags {
  CommonFlags common;
  std::string name, output;
  Index count = 10000;
  std::uint64_t seed = 0;
  bool log_density = false;
};

int list() {
  for (const auto& name : toy_names()) {
    const auto& toy = find_toy(name);
    fmt::print("{:<13}entropy {:.4f} nats  {}\n", name, toy.entropy(), toy.description());
  }
  return 0;
}

int sample(const DataFlags& f) {
  require(f.count >= 1, "-n", f.count, ">= 1");
  const auto& toy = find_toy(f.name);
  std::vector<std::string> columns = {"x1", "x2"};
  if (f.log_density) columns.push_back("log_density");
  require_room("-n", f.count, f.output,
               sizeof(double) * static_cast<double>(f.count) * static_cast<double>(columns.size()));
  const auto writer = TableWriter::create(f.output, columns, static_cast<Index>(columns.size()));
  Engine engine = make_stream(f.seed, "data.sample");
  for (Index first = 0; first < f.count; first += 1 << 16) {
    Matrix<double> x(toy.dim(), std::min<Index>(1 << 16, f.count - first));
    toy.sample(engine, x);
    if (f.log_density) {
      Matrix<double> with(3, x.cols());
      with << x, toy.log_density(x, f.common.threads);
      writer->append(with);
    } else {
      writer->append(x);
    }
  }
  writer->commit();
  return 0;
}

// Writes the parts of a table as `train` uses them, so that another program can be compared on the same rows.
int split(const DataFlags& f) {
  require_hdf5_file(f.output, "parts");
  auto recipe = read_recipe(f.name);
  f.common.keys.apply_to(recipe);
  require_another_file(f.output, {{f.name, "the recipe"}, {recipe.data.source, "the recipe's data"}});
  const TrainingData data = build_data(recipe);
  auto training = data.training();
  if (!training)
    throw InputError(f.name + ": data.source is a toy, which has no fixed training rows; use `pathline data sample`");
  if (data.periods()) data.periods()->fold(training->x);
  auto out = Hdf5File::create(f.output);
  const std::pair<const char*, const TrainingData::Points*> parts[] = {
      {"train", &*training}, {"validation", &data.validation()}, {"test", &data.test()}};
  for (const auto& [name, points] : parts) {
    out.write_matrix(name, points->x);
    if (data.condition_dim() > 0) out.write_matrix(std::string(name) + "_condition", points->c);
  }
  out.write_strings("columns", data.columns());
  out.commit();
  for (const auto& note : data.notes()) f.common.note(note);
  if (f.common.quiet) return 0;
  for (const auto& [name, points] : parts) fmt::print("{:<11}{} rows\n", name, points->x.cols());
  return 0;
}

}  // namespace

void add_data_command(Command app, Action& chosen) {
  auto f = std::make_shared<DataFlags>();
  auto c = app.add_command("data", "List the toys, draw from one, or write the parts of a table");
  c.require_command();
  c.footer("Examples:\n  pathline data list\n  pathline data sample moons -n 1000 -o moons.csv --log-density");
  auto l = c.add_command("list", "List the toys with their entropy and distribution");
  l.footer("Examples:\n  pathline data list\n  pathline data list | grep moons");
  l.callback([&chosen] { chosen = list; });
  auto s = c.add_command("sample", "Write draws of a toy to CSV, NPY or HDF5; the suffix decides");
  s.footer(
      "Examples:\n  pathline data sample moons -n 1000 -o moons.csv --log-density\n  pathline data sample rings --seed "
      "1 -o rings.npy");
  s.add_option("NAME", f->name, "a toy").required();
  s.add_option("-n,--count", f->count, "draws").show_default();
  s.add_option("-o,--output", f->output, "FILE.csv, FILE.npy or FILE.h5").required();
  s.add_option("--seed", f->seed, "seed of the draws").show_default();
  s.add_flag("--log-density", f->log_density, "also write the exact log-density as a third column");
  f->common.add_to(s);
  run_if_chosen(s, chosen, f, sample);
  auto p =
      c.add_command("split", "Write the training, validation and test rows of a recipe, dequantized as in training");
  p.footer(
      "Examples:\n"
      "  pathline data split models/geyser.toml -o split.h5\n"
      "  pathline data split models/geyser.toml -o geyser.h5 --quiet");
  p.add_option("RECIPE", f->name, "a recipe whose data is a table").required();
  p.add_option("-o,--output", f->output, "FILE.h5, with data sets train, validation and test").required();
  f->common.add_table_to(p);
  f->common.add_to(p);
  run_if_chosen(p, chosen, f, split);
}

}  // namespace pathline
