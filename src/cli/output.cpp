#include "cli/output.hpp"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/io/table.hpp"

namespace pathline {

void require_another_file(const std::string& output, std::initializer_list<NamedFile> read) {
  for (const auto& input : read) {
    std::error_code not_there;
    if (std::filesystem::equivalent(split_hdf5_name(output).first, split_hdf5_name(input.file).first, not_there))
      throw InputError(fmt::format("-o {}: is {}; expected another file", output, input.what));
  }
}

void require_hdf5_file(const std::string& output, const char* content) {
  if (table_format(output) != TableFormat::hdf5)
    throw InputError(fmt::format("{}: {} go into HDF5; expected a name that ends with .h5", output, content));
  if (!split_hdf5_name(output).second.empty())
    throw InputError(fmt::format("{}: {} have data sets of their own names; expected FILE.h5 alone", output, content));
}

}  // namespace pathline
