// The attributes of a place in an HDF5 file.
#include "pathline/io/hdf5.hpp"

#include <hdf5.h>

#include <algorithm>
#include <utility>

#include "io/hdf5_claim.hpp"
#include "io/hdf5_error.hpp"
#include "io/hdf5_handle.hpp"
#include "io/hdf5_item.hpp"
#include "io/hdf5_shape.hpp"
#include "io/hdf5_type.hpp"
#include "pathline/core/error.hpp"

namespace pathline {

using namespace hdf5;

namespace {

void write_attribute(hid_t node, const Item& item, const std::string& name, hid_t type, const Hdf5Shape& shape,
                     const void* values) {
  if (H5Aexists(node, name.c_str()) > 0) H5Adelete(node, name.c_str());
  const Scoped space(make_space(shape)), list(H5Pcreate(H5P_ATTRIBUTE_CREATE));
  H5Pset_char_encoding(list, H5T_CSET_UTF8);
  const Scoped attribute(H5Acreate2(node, name.c_str(), type, space, list, H5P_DEFAULT));
  if (attribute < 0 || (volume(shape) > 0 && H5Awrite(attribute, type, values) < 0)) item.fail_to_write();
}

std::string attribute_label(const std::string& where, const std::string& name) {
  return where + ": attribute '" + name + "'";
}

template <class T> T read_as(const Item& item) {
  if constexpr (std::is_same_v<T, bool>) return read_bool(item);
  else if constexpr (std::is_arithmetic_v<T>) return single(item, read_values<T>(item));
  else if constexpr (std::is_same_v<T, std::string>) return single(item, read_strings(item));
  else if constexpr (std::is_same_v<T, std::vector<std::string>>) return read_strings(item);
  else return read_values<typename T::value_type>(item);
}

}  // namespace

Hdf5Node::Hdf5Node(std::string file, std::string path, std::int64_t id)
    : file_(std::move(file)), path_(std::move(path)), id_(shared(id)) {}

bool Hdf5Node::has_attribute(const std::string& name) const {
  const Quiet quiet;
  return H5Aexists(*id_, name.c_str()) > 0;
}

std::vector<std::string> Hdf5Node::attribute_names() const {
  const Quiet quiet;
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  H5Aiterate2(*id_, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names);
  std::sort(names.begin(), names.end());
  return names;
}

template <class Read> auto Hdf5Node::read_attribute(const std::string& name, Read read) const {
  const Quiet quiet;
  const std::string where = file_ + ": " + path_;
  if (H5Aexists(*id_, name.c_str()) <= 0)
    throw InputError(where + ": no attribute '" + name + "': it has " + list_text(attribute_names()));
  const Scoped id(H5Aopen(*id_, name.c_str(), H5P_DEFAULT));
  const Item item{id, true, attribute_label(where, name)};
  if (id < 0) item.fail("cannot read: " + reason());
  check_claim(item, file_bytes_of(id));
  return read(item);
}

Hdf5Kind Hdf5Node::attribute_kind(const std::string& name) const { return read_attribute(name, kind_of); }

Hdf5Shape Hdf5Node::attribute_shape(const std::string& name) const { return read_attribute(name, shape_of); }

template <class T> T Hdf5Node::attribute(const std::string& name) const { return read_attribute(name, read_as<T>); }

template double Hdf5Node::attribute(const std::string&) const;
template std::int64_t Hdf5Node::attribute(const std::string&) const;
template std::uint64_t Hdf5Node::attribute(const std::string&) const;
template bool Hdf5Node::attribute(const std::string&) const;
template std::string Hdf5Node::attribute(const std::string&) const;
template std::vector<double> Hdf5Node::attribute(const std::string&) const;
template std::vector<std::int64_t> Hdf5Node::attribute(const std::string&) const;
template std::vector<std::string> Hdf5Node::attribute(const std::string&) const;

void Hdf5Node::set_raw(const std::string& name, std::int64_t type, const Hdf5Shape& shape, const void* values) {
  const Item item{*id_, true, attribute_label(file_ + ": " + path_, name)};
  write_attribute(*id_, item, name, type, shape, values);
}

void Hdf5Node::set_bool(const std::string& name, bool value) {
  const Quiet quiet;
  const Scoped type(make_bool_type());
  const std::int8_t byte = value;
  set_raw(name, type, {}, &byte);
}

void Hdf5Node::set_real(const std::string& name, double value) {
  const Quiet quiet;
  set_raw(name, H5T_NATIVE_DOUBLE, {}, &value);
}

void Hdf5Node::set_integer(const std::string& name, std::int64_t value) {
  const Quiet quiet;
  set_raw(name, H5T_NATIVE_INT64, {}, &value);
}

void Hdf5Node::set_unsigned(const std::string& name, std::uint64_t value) {
  const Quiet quiet;
  set_raw(name, H5T_NATIVE_UINT64, {}, &value);
}

void Hdf5Node::set_attribute(const std::string& name, const std::string& value) {
  const Quiet quiet;
  const Scoped type(make_string_type());
  const char* text = value.c_str();
  set_raw(name, type, {}, &text);
}

void Hdf5Node::set_attribute(const std::string& name, const std::vector<double>& values) {
  const Quiet quiet;
  set_raw(name, H5T_NATIVE_DOUBLE, {static_cast<Index>(values.size())}, values.data());
}

void Hdf5Node::set_attribute(const std::string& name, const std::vector<std::int64_t>& values) {
  const Quiet quiet;
  set_raw(name, H5T_NATIVE_INT64, {static_cast<Index>(values.size())}, values.data());
}

void Hdf5Node::set_attribute(const std::string& name, const std::vector<std::string>& values) {
  const Quiet quiet;
  const Scoped type(make_string_type());
  set_raw(name, type, {static_cast<Index>(values.size())}, pointers(values).data());
}

}  // namespace pathline
