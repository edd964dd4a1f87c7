#include "io/hdf5_handle.hpp"

#include "io/hdf5_error.hpp"

namespace pathline::hdf5 {

void release(hid_t id) {
  if (id < 0) return;
  const Quiet quiet;
  if (H5Iis_valid(id) <= 0) return;      // it was closed with its file
  if (H5Idec_ref(id) < 0) ++g_failures;  // closes an object of any kind
}

std::shared_ptr<std::int64_t> shared(hid_t id) {
  return {new std::int64_t(id), [](std::int64_t* held) {
            release(*held);
            delete held;
          }};
}

std::shared_ptr<std::int64_t> shared_output(hid_t id) {
  return {new std::int64_t(id), [failures = g_failures.load()](std::int64_t* held) {
            if (g_failures == failures) release(*held);
            delete held;
          }};
}

}  // namespace pathline::hdf5
