#include <fmt/format.h>

#include "app/command.hpp"
#include "app/output.hpp"
#include "core/printable.hpp"
#include "pathline/core/error.hpp"
#include "train/metrics_line.hpp"

namespace pathline {
namespace {

struct ResealFlags {
  std::string model, output;
  CommonFlags common;
};

// Rewrites the file in the same precision: the parameters stay the same, bit for bit.
template <class S> std::string rewrite(const std::string& file, const std::string& to) {
  auto model = read_model<S>(file);
  if (!model.card.trained) model.card.trained = trained_figure(model.card.metrics);
  write_model(to, model);
  const auto written = read_card(to);
  return fmt::format("format {}, digest {}, known answers: {}", written.format_version, written.digest,
                     written.answers ? written.answers->points.cols() : 0);
}

int run(const ResealFlags& f) {
  const std::string file = model_file(f.model), to = f.output.empty() ? file : f.output;
  require_hdf5_file(to, "models");
  {
    const auto in = Hdf5File::open(file);
    if (is_ffjord_file(in))
      throw InputError(file + ": is a network of FFJORD; `pathline import ffjord` makes a model of it");
    if (in.exists("training"))
      throw InputError(file + ": contains the state of a training; `pathline train --resume` writes it anew");
  }
  const auto card = read_card(file);
  const auto done = card.precision == "double" ? rewrite<double>(file, to) : rewrite<float>(file, to);
  if (!f.common.quiet) fmt::print("{}: {}\n", printable(to), done);
  return 0;
}

}  // namespace

void add_reseal_command(Command app, Action& chosen) {
  auto f = std::make_shared<ResealFlags>();
  auto c = app.add_command("reseal",
                           "Rewrite a model of an older pathline: the same density, with a checksum and known answers");
  c.footer(
      "Examples:\n"
      "  pathline verify models/moons.h5 && pathline reseal models/moons.h5 -o resealed.h5\n"
      "  pathline reseal tests/fixtures/model_format_1.h5 -o new.h5\n"
      "Verify the model first: the new digest covers whatever it is now.");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("-o,--output", f->output, "model file to write; default: MODEL is replaced");
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
