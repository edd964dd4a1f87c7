#include "io/hdf5_record.hpp"

#include <algorithm>

#include "io/hdf5_handle.hpp"
#include "io/hdf5_type.hpp"

namespace pathline::hdf5 {

std::vector<RecordField> record_fields(hid_t type, std::vector<std::string>* others) {
  std::vector<RecordField> out;
  const int count = H5Tget_class(type) == H5T_COMPOUND ? H5Tget_nmembers(type) : 0;
  for (unsigned i = 0; i < static_cast<unsigned>(std::max(count, 0)); ++i) {
    const Scoped member(H5Tget_member_type(type, i));
    const bool array = H5Tget_class(member) == H5T_ARRAY;
    const Scoped element(array ? H5Tget_super(member) : H5Tcopy(member));
    const H5T_class_t kind = H5Tget_class(element);
    hsize_t extent = 1;
    const bool usable = (kind == H5T_INTEGER || kind == H5T_FLOAT) &&
                        (!array || (H5Tget_array_ndims(member) == 1 && H5Tget_array_dims2(member, &extent) >= 0)) &&
                        extent <= (1u << 16);  // more are an image, and not a set of columns
    char* raw = H5Tget_member_name(type, i);
    const std::string name = raw ? raw : "";
    H5free_memory(raw);
    if (usable)
      out.push_back({name, array, static_cast<Index>(extent), is_wide(element)});
    else if (others)
      others->push_back(name);
  }
  return out;
}

hid_t make_record_type(const std::vector<RecordField>& fields) {
  Index k = 0;
  for (const auto& field : fields) k += field.elements;
  const hid_t memory = H5Tcreate(H5T_COMPOUND, static_cast<std::size_t>(k) * sizeof(double));
  std::size_t offset = 0;
  for (const auto& field : fields) {
    const hsize_t extent = static_cast<hsize_t>(field.elements);
    const Scoped element(field.array ? H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &extent) : H5Tcopy(H5T_NATIVE_DOUBLE));
    H5Tinsert(memory, field.name.c_str(), offset, element);
    offset += extent * sizeof(double);
  }
  return memory;
}

}  // namespace pathline::hdf5
