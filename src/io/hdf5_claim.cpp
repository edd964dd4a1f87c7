#include "io/hdf5_claim.hpp"

#include <algorithm>

#include "core/checked_product.hpp"
#include "io/hdf5_error.hpp"
#include "io/hdf5_handle.hpp"
#include "io/hdf5_shape.hpp"

namespace pathline::hdf5 {

Index file_bytes_of(hid_t id) {
  const Scoped file(H5Iget_file_id(id));
  hsize_t bytes = 0;
  return file >= 0 && H5Fget_filesize(file, &bytes) >= 0 ? static_cast<Index>(bytes) : 0;
}

void check_claim(const Item& item, Index most) {
  constexpr Index kSmall = 1 << 20;
  const Hdf5Shape shape = shape_of(item);
  const Scoped type(item.type());
  Hdf5Shape sizes{static_cast<Index>(H5Tget_size(type))};
  for (const Index extent : shape) sizes.push_back(extent == 0 ? 1 : extent);  // (0, 10^12) claims as much
  const auto bytes = checked_product(sizes);
  if (!bytes || *bytes > kSmall + most)
    item.fail("has shape " + shape_text(shape) + ", more values than the file contains");
}

void check_storage(const Item& item) {
  constexpr Index kMostCompression = 1100;  // deflate makes 1032 bytes of one at most
  const Scoped list(H5Dget_create_plist(item.id));
  char name[1024] = "";
  if (H5Pget_external_count(list) > 0) {
    H5Pget_external(list, 0, sizeof name - 1, name, nullptr, nullptr);
    refuse_other_file(item.where, "its values are in", name);
  }
  if (H5Pget_layout(list) == H5D_VIRTUAL) {
    H5Pget_virtual_filename(list, 0, name, sizeof name);
    refuse_other_file(item.where, "is a virtual data set of", name);
  }
  const Index stored = std::min(static_cast<Index>(std::min<hsize_t>(H5Dget_storage_size(item.id), INT64_MAX)),
                                file_bytes_of(item.id));
  const auto most = checked_product({stored, H5Pget_nfilters(list) > 0 ? kMostCompression : 1});
  check_claim(item, std::min<Index>(most.value_or(INT64_MAX / 2), INT64_MAX / 2));
}

}  // namespace pathline::hdf5
