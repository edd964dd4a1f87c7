// The errors of the HDF5 library: they are silenced, counted, and told in messages.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include <hdf5.h>

namespace pathline::hdf5 {

// While an object of this class exists, HDF5 does not print errors. Its destructor restores the choice of the program.
class Quiet {
 public:
  Quiet() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Quiet() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

// HDF5 writes small data when an object is closed, so that closing can fail like writing. Such failures are counted,
// because a destructor cannot throw, and a file with a failure is not committed.
extern std::atomic<long> g_failures;

// The first error that HDF5 reports: "No such file or directory" or "truncated file: eof = 96, ...".
std::string reason();

// The first names for a message: "a, b, c", or "nothing".
std::string list_text(const std::vector<std::string>& names);

[[noreturn]] void refuse_other_file(const std::string& where, const std::string& what, const std::string& other);

}  // namespace pathline::hdf5
