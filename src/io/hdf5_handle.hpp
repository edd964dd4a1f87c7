// Ids of the HDF5 library (hid_t) that are closed by their owners.
#pragma once

#include <cstdint>
#include <memory>

#include <hdf5.h>

namespace pathline::hdf5 {

// Closes an object of any kind.
void release(hid_t id);

// A data space, a type, a property list or the like, which is closed at the end of its scope.
class Scoped {
 public:
  explicit Scoped(hid_t id) : id_(id) {}
  ~Scoped() { release(id_); }
  Scoped(const Scoped&) = delete;
  Scoped& operator=(const Scoped&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
};

// Closed with the last copy.
std::shared_ptr<std::int64_t> shared(hid_t id);

// Closes a file that is being written. After a failure the state of the file inside HDF5 (1.10) is broken, and closing
// it again would crash; the id and its memory are then not released.
std::shared_ptr<std::int64_t> shared_output(hid_t id);

}  // namespace pathline::hdf5
