#include "io/hdf5_item.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "io/hdf5_error.hpp"
#include "io/hdf5_handle.hpp"
#include "io/hdf5_type.hpp"
#include "pathline/core/error.hpp"

namespace pathline::hdf5 {

hid_t Item::type() const { return attribute ? H5Aget_type(id) : H5Dget_type(id); }

hid_t Item::space() const { return attribute ? H5Aget_space(id) : H5Dget_space(id); }

void Item::fail(const std::string& what) const { throw InputError(where + ": " + what); }

void Item::fail_to_write() const {
  ++g_failures;
  fail("cannot write: " + reason());
}

void Item::read(hid_t memory_type, void* out) const {
  const herr_t status =
      attribute ? H5Aread(id, memory_type, out) : H5Dread(id, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
  if (status < 0) fail("cannot read: " + reason());
}

Hdf5Shape shape_of(const Item& item) {
  const Scoped space(item.space());
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0) item.fail("damaged: " + reason());
  if (H5Sget_simple_extent_type(space) == H5S_NULL) return {0};
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  return {dims.begin(), dims.end()};
}

Hdf5Kind kind_of(const Item& item) {
  const Scoped type(item.type());
  return kind_of_type(type);
}

template <class S> void expect_numbers(const Item& item) {
  const Scoped type(item.type());
  const H5T_class_t found = H5Tget_class(type);
  constexpr bool integer = std::is_integral_v<S>;
  if (found == H5T_INTEGER || (!integer && found == H5T_FLOAT)) return;
  item.fail("holds " + type_text(type) + ": expected " + (integer ? "integers" : "numbers"));
}

template <class S> std::vector<S> read_values(const Item& item) {
  expect_numbers<S>(item);
  std::vector<S> values(static_cast<std::size_t>(volume(shape_of(item))));
  if (!values.empty()) item.read(memory_type<S>(), values.data());
  return values;
}

namespace {

std::vector<std::string> read_variable_strings(const Item& item, hid_t type, std::size_t count) {
  const Scoped memory(H5Tcopy(H5T_C_S1));
  H5Tset_size(memory, H5T_VARIABLE);
  H5Tset_cset(memory, H5Tget_cset(type));
  std::vector<char*> values(count, nullptr);
  item.read(memory, values.data());
  std::vector<std::string> out;
  for (const char* value : values) out.emplace_back(value ? value : "");
  const Scoped space(item.space());
  H5Dvlen_reclaim(memory, space, H5P_DEFAULT, values.data());
  return out;
}

std::vector<std::string> read_fixed_strings(const Item& item, hid_t type, std::size_t count) {
  const std::size_t size = H5Tget_size(type);
  const char pad = H5Tget_strpad(type) == H5T_STR_SPACEPAD ? ' ' : '\0';
  std::vector<char> values(count * size);
  item.read(type, values.data());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    std::string text(values.data() + i * size, size);
    if (pad == '\0') text.resize(std::min(text.find('\0'), size));
    text.erase(text.find_last_not_of(pad) + 1);
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace

std::vector<std::string> read_strings(const Item& item) {
  const Scoped type(item.type());
  if (H5Tget_class(type) != H5T_STRING) item.fail("holds " + type_text(type) + ": expected strings");
  const auto count = static_cast<std::size_t>(volume(shape_of(item)));
  if (count == 0) return {};
  return H5Tis_variable_str(type) > 0 ? read_variable_strings(item, type, count)
                                      : read_fixed_strings(item, type, count);
}

bool read_bool(const Item& item) {
  const Scoped type(item.type()), memory(make_bool_type());
  if (volume(shape_of(item)) != 1) item.fail("has shape " + shape_text(shape_of(item)) + ": expected one value");
  if (H5Tget_class(type) == H5T_ENUM) {
    std::int8_t value = 0;
    item.read(memory, &value);
    return value != 0;
  }
  return read_values<std::int64_t>(item).front() != 0;
}

#define PATHLINE_HDF5_INSTANTIATE(S)            \
  template void expect_numbers<S>(const Item&); \
  template std::vector<S> read_values(const Item&);
PATHLINE_HDF5_INSTANTIATE(double)
PATHLINE_HDF5_INSTANTIATE(float)
PATHLINE_HDF5_INSTANTIATE(std::int64_t)
PATHLINE_HDF5_INSTANTIATE(std::uint64_t)
#undef PATHLINE_HDF5_INSTANTIATE

}  // namespace pathline::hdf5
