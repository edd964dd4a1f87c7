#include "app/output.hpp"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "core/size_text.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/version.hpp"
#include "pathline/io/table.hpp"

namespace pathline {

void require_another_file(const std::string& output, std::initializer_list<NamedFile> read, const std::string& option) {
  for (const auto& input : read) {
    std::error_code not_there;
    if (std::filesystem::equivalent(split_hdf5_name(output).first, split_hdf5_name(input.file).first, not_there))
      throw InputError(fmt::format("{} {} is {}; choose another file", option, output, input.what));
  }
}

void require_hdf5_file(const std::string& output, const char* content) {
  bool hdf5 = false;
  try {
    hdf5 = table_format(output) == TableFormat::hdf5;
  } catch (const InputError&) {  // the suffix is not that of a table, which is refused in the same words
  }
  if (!hdf5) throw InputError(fmt::format("{}: {} are written to HDF5; the name must end with .h5", output, content));
  if (!split_hdf5_name(output).second.empty())
    throw InputError(
        fmt::format("{}: {} have fixed data set names; expected FILE.h5 without a data set", output, content));
}

void require_room(const std::string& option, Index count, const std::string& output, double bytes) {
  std::error_code error;
  const auto file = std::filesystem::path(split_hdf5_name(output).first);
  if (std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error)) return;  // a pipe
  const auto space = std::filesystem::space(file.has_parent_path() ? file.parent_path() : ".", error);
  const bool unknown = error || space.capacity == 0;  // as of /proc and some file systems over a network
  if (unknown || bytes <= static_cast<double>(space.available)) return;
  throw InputError(fmt::format("{} = {}: {} would take about {}, and there are {} free; choose a smaller number",
                               option, count, output, size_text(bytes),
                               size_text(static_cast<double>(space.available))));
}

void write_solve(Hdf5File& file, const EvaluationOptions& options, const char* precision) {
  file.set_attribute("version", PATHLINE_VERSION), file.set_attribute("precision", precision);
  file.set_attribute("stepper", to_string(options.solver.stepper));
  file.set_attribute("rtol", options.solver.rtol), file.set_attribute("atol", options.solver.atol);
  file.set_attribute("steps", static_cast<std::int64_t>(options.solver.steps));
  const bool exact = options.trace.kind == TraceKind::exact;
  file.set_attribute("trace", to_string(options.trace.kind));
  if (exact) return;
  file.set_attribute("probe_noise", to_string(options.trace.noise));
  file.set_attribute("probes", static_cast<std::int64_t>(options.trace.probes));
  file.set_attribute("probe_seed", options.seed);
}

}  // namespace pathline
