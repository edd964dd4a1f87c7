// Checks of the file that -o names, before anything is computed.
#pragma once

#include <initializer_list>
#include <string>

#include "pathline/flow/flow.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {

struct NamedFile {
  std::string file;  // may be FILE.h5:dataset; a toy, "-" and an empty name are ignored
  const char* what;  // "the model"
};

// Throws InputError, "-o m.h5 is the model; choose another file", if it is one of the files read, under any name.
// option: the one that names the output.
void require_another_file(const std::string& output, std::initializer_list<NamedFile> read,
                          const std::string& option = "-o");

// Throws InputError unless the name is that of an HDF5 file without a data set. content: "samples".
void require_hdf5_file(const std::string& output, const char* content);

// Throws InputError, "-n = 1000000000000: m.npy would take about 16 TB, and there are 40 GB free; choose a smaller
// number", if the disk has no room for so many bytes.
void require_room(const std::string& option, Index count, const std::string& output, double bytes);

// Writes how the contents of the file were computed, as attributes: version, precision, stepper, rtol, atol, steps,
// trace, and for probes also probe_noise, probes and probe_seed. precision: "float" or "double".
void write_solve(Hdf5File& file, const EvaluationOptions& options, const char* precision);

}  // namespace pathline
