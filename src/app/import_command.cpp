#include <fmt/format.h>

#include "app/command.hpp"
#include "app/output.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

struct ImportFlags {
  std::string input, output;
  CommonFlags common;
};

int run(const ImportFlags& f) {
  require_hdf5_file(f.output, "models");
  require_another_file(f.output, {{f.input, "the network to import"}});
  if (!is_ffjord_file(Hdf5File::open(f.input)))
    throw InputError(f.input + ": not a file of tools/ffjord_to_hdf5.py; the attribute layer_type is missing");
  auto model = read_model<double>(f.input);
  if (f.common.keys.text("--precision") == "double") {
    write_model(f.output, model);
  } else {
    write_model(f.output, read_model<float>(f.input));
  }
  if (!f.common.quiet)
    fmt::print("{}: {} parameters, T = {:.6g}\n", f.output, model.flow.theta().size(), model.flow.end_time());
  return 0;
}

}  // namespace

void add_import_command(Command app, Action& chosen) {
  auto f = std::make_shared<ImportFlags>();
  auto c = app.add_command("import", "Import models of other programs");
  c.require_command();
  c.footer("Example: pathline import ffjord checkpt.h5 -o model.h5");
  auto s = c.add_command("ffjord", "Import a FFJORD network that tools/ffjord_to_hdf5.py converted from checkpt.pth");
  s.footer(
      "Examples:\n"
      "  pathline import ffjord tests/fixtures/ffjord_8gaussians.h5 -o ffjord.h5\n"
      "  pathline import ffjord tests/fixtures/ffjord_8gaussians.h5 -o exact.h5 --precision double\n"
      "A checkpoint of FFJORD is converted first: tools/ffjord_to_hdf5.py checkpt.pth -o checkpt.h5");
  s.add_option("INPUT", f->input, "HDF5 file").required();
  s.add_option("-o,--output", f->output, "model file to write").required();
  f->common.add_precision_to(s, "");
  f->common.add_to(s);
  run_if_chosen(s, chosen, f, run);
}

}  // namespace pathline
