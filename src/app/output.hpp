// The file that -o names, looked at before anything is made.
#pragma once

#include <initializer_list>
#include <string>

#include "pathline/flow/flow.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {

struct NamedFile {
  std::string file;  // FILE.h5:dataset too; a toy, "-" and an empty name are no file
  const char* what;  // "the model"
};

// InputError "-o m.h5: is the model; expected another file" if it is one of those that are read, by whatever name.
void require_another_file(const std::string& output, std::initializer_list<NamedFile> read);

// An HDF5 file that is written whole: InputError for another suffix and for FILE.h5:dataset. content: "samples".
void require_hdf5_file(const std::string& output, const char* content);

// How what is in the file was solved, as its attributes: version, precision, stepper, rtol, atol, steps, trace; with
// probes probe_noise, probes and probe_seed too. precision: "float" or "double".
void write_solve(Hdf5File& file, const EvaluationOptions& options, const char* precision);

}  // namespace pathline
