#include "pathline/io/hdf5.hpp"

#include <hdf5.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "core/checked_product.hpp"
#include "io/hdf5_copy.hpp"
#include "io/seal.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

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
std::atomic<long> g_failures{0};

void release(hid_t id) {
  if (id < 0) return;
  const Quiet quiet;
  if (H5Iis_valid(id) <= 0) return;      // it was closed with its file
  if (H5Idec_ref(id) < 0) ++g_failures;  // closes an object of any kind
}

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

// The first error that HDF5 reports: "No such file or directory" or "truncated file: eof = 96, ...".
std::string reason() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD,
           [](unsigned n, const H5E_error2_t* error, void* out) -> herr_t {
             if (n == 0 && error->desc) *static_cast<std::string*>(out) = error->desc;
             return 0;
           },
           &text);
  const std::string key = "error message = '";
  if (const auto begin = text.find(key); begin != std::string::npos)
    text = text.substr(begin + key.size(), text.find('\'', begin + key.size()) - begin - key.size());
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "the HDF5 library gives no reason" : text;
}

// A data set or an attribute, which both have a type, a shape and values.
struct Item {
  hid_t id;
  bool attribute;
  std::string where;  // "file: /path" or "file: /path: attribute 'name'"

  hid_t type() const { return attribute ? H5Aget_type(id) : H5Dget_type(id); }
  hid_t space() const { return attribute ? H5Aget_space(id) : H5Dget_space(id); }

  [[noreturn]] void fail(const std::string& what) const { throw InputError(where + ": " + what); }
  [[noreturn]] void fail_to_write() const {
    ++g_failures;
    fail("cannot write: " + reason());
  }

  void read(hid_t memory_type, void* out) const {
    const herr_t status =
        attribute ? H5Aread(id, memory_type, out) : H5Dread(id, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
    if (status < 0) fail("cannot read: " + reason());
  }
};

std::string shape_text(const Hdf5Shape& shape) {
  std::string text;
  for (const Index n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "(" + text + (shape.size() == 1 ? ",)" : ")");
}

Index volume(const Hdf5Shape& shape) {
  const auto n = checked_product(shape);
  if (!n) throw InputError("an array of shape " + shape_text(shape) + " has more values than can be counted");
  return *n;
}

std::vector<hsize_t> extents(const Hdf5Shape& shape) { return {shape.begin(), shape.end()}; }

Hdf5Shape shape_of(const Item& item) {
  const Scoped space(item.space());
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0) item.fail("damaged: " + reason());
  if (H5Sget_simple_extent_type(space) == H5S_NULL) return {0};
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  return {dims.begin(), dims.end()};
}

Index file_bytes_of(hid_t id) {
  const Scoped file(H5Iget_file_id(id));
  hsize_t bytes = 0;
  return file >= 0 && H5Fget_filesize(file, &bytes) >= 0 ? static_cast<Index>(bytes) : 0;
}

// A shape is a claim of a few bytes. It is refused where the file cannot hold what it claims: work and memory are then
// bounded by the size of the file. `most`: bytes that the values may have beyond the small ones which any file may have.
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

[[noreturn]] void refuse_other_file(const std::string& where, const std::string& what, const std::string& other) {
  throw InputError(where + ": " + what + " another file, '" + other + "'; only files that are named are opened");
}

// Values in other files are refused, whatever the shape.
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

template <class S> hid_t memory_type() {
  if constexpr (std::is_same_v<S, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<S, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<S, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<S, std::uint64_t>) return H5T_NATIVE_UINT64;
}

std::string type_text(hid_t type) {
  const std::string bits = std::to_string(8 * H5Tget_size(type));
  switch (H5Tget_class(type)) {
    case H5T_INTEGER: return (H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int") + bits;
    case H5T_FLOAT: return "float" + bits;
    case H5T_STRING: return "strings";
    case H5T_ENUM: return "an enumeration (h5py: bool)";
    case H5T_COMPOUND: return "records (compound)";
    default: return "another type";
  }
}

Hdf5Kind kind_of(const Item& item) {
  const Scoped type(item.type());
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return Hdf5Kind::integer;
    case H5T_FLOAT:
      return Hdf5Kind::real;
    case H5T_STRING:
      return Hdf5Kind::text;
    case H5T_ENUM:
      return Hdf5Kind::boolean;
    default:
      return Hdf5Kind::other;
  }
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

std::vector<std::string> read_strings(const Item& item) {
  const Scoped type(item.type());
  if (H5Tget_class(type) != H5T_STRING) item.fail("holds " + type_text(type) + ": expected strings");
  const auto count = static_cast<std::size_t>(volume(shape_of(item)));
  if (count == 0) return {};
  return H5Tis_variable_str(type) > 0 ? read_variable_strings(item, type, count)
                                      : read_fixed_strings(item, type, count);
}

// The bool of h5py, which is an enumeration of int8 with FALSE = 0 and TRUE = 1.
hid_t make_bool_type() {
  const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
  const std::int8_t no = 0, yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  return type;
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

template <class T> T single(const Item& item, const std::vector<T>& values) {
  if (values.size() != 1) item.fail("has shape " + shape_text(shape_of(item)) + ": expected one value");
  return values.front();
}

hid_t make_string_type() {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

std::vector<const char*> pointers(const std::vector<std::string>& values) {
  std::vector<const char*> out;
  for (const std::string& value : values) out.push_back(value.c_str());
  return out;
}

hid_t make_space(const Hdf5Shape& shape) {
  if (shape.empty()) return H5Screate(H5S_SCALAR);
  return H5Screate_simple(static_cast<int>(shape.size()), extents(shape).data(), nullptr);
}

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

std::string list_text(const std::vector<std::string>& names) {
  constexpr std::size_t most = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > most) text += ", ...";
  return text.empty() ? "nothing" : text;
}

std::shared_ptr<std::int64_t> shared(hid_t id) {
  return {new std::int64_t(id), [](std::int64_t* held) {
            release(*held);
            delete held;
          }};
}

// Closes a file that is being written. After a failure the state of the file inside HDF5 (1.10) is broken, and closing
// it again would crash; the id and its memory are then not released.
std::shared_ptr<std::int64_t> shared_output(hid_t id) {
  return {new std::int64_t(id), [failures = g_failures.load()](std::int64_t* held) {
            if (g_failures == failures) release(*held);
            delete held;
          }};
}

// A link to another file is not followed; `other` receives the name of that file.
hid_t open_inside(hid_t base, const std::string& path, std::string& other) {
  const Scoped list(H5Pcreate(H5P_LINK_ACCESS));
  const auto refuse = [](const char*, const char*, const char* file, const char*, unsigned*, hid_t, void* out) -> herr_t {
    *static_cast<std::string*>(out) = file && *file ? file : "unnamed";
    return -1;
  };
  H5Pset_elink_cb(list, refuse, &other);
  return H5Oopen(base, path.c_str(), list);
}

// Throws InputError for a path that leads to another file.
hid_t open_object(const std::string& file, hid_t base, const std::string& path) {
  std::string other;
  const hid_t id = open_inside(base, path, other);
  if (!other.empty()) refuse_other_file(file + ": " + path, "is a link to", other);
  return id;
}

std::vector<std::string> child_names(hid_t group) {
  H5G_info_t info;
  if (H5Gget_info(group, &info) < 0) return {};
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto by_index = [&](char* out, std::size_t size) {
      return H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, out, size, H5P_DEFAULT);
    };
    const auto length = by_index(nullptr, 0);
    if (length <= 0) continue;
    std::string name(static_cast<std::size_t>(length) + 1, '\0');
    by_index(name.data(), name.size());
    name.pop_back();
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A link may lead back up: no deeper than `depth`, and no more than `left` objects.
void list_datasets(hid_t group, const std::string& prefix, int depth, int& left, std::vector<std::string>& out) {
  for (const std::string& name : child_names(group)) {
    if (--left < 0) return;
    std::string other;
    const Scoped child(open_inside(group, name, other));
    if (child < 0) continue;
    if (H5Iget_type(child) == H5I_DATASET) out.push_back(prefix + name);
    if (H5Iget_type(child) == H5I_GROUP && depth > 0) list_datasets(child, prefix + name + "/", depth - 1, left, out);
  }
}

// Files have no time stamps, so that equal contents give equal bytes.
hid_t make_dataset_list() {
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(list, false);
  return list;
}

hid_t make_link_list() {
  const hid_t list = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(list, 1);
  H5Pset_char_encoding(list, H5T_CSET_UTF8);
  return list;
}

hid_t make_file_access_list() {
  const hid_t list = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);  // closing the file closes all that is open in it
  return list;
}

// A file that is in memory alone.
hid_t make_memory_access_list() {
  const hid_t list = make_file_access_list();
  H5Pset_fapl_core(list, 1 << 20, false);
  return list;
}

// The library takes two open files of one name for the same.
std::string memory_name() {
  static std::atomic<long> count{0};
  return "pathline-" + std::to_string(count++);
}

// Returns the number of values per row. Throws InputError for the rank of neither a matrix nor a vector.
Index row_width(const Item& item, const Hdf5Shape& shape) {
  if (shape.size() != 1 && shape.size() != 2) item.fail("has shape " + shape_text(shape) + ": expected (N, d) or (N,)");
  return shape.size() == 2 ? shape[1] : 1;
}

hid_t select_box(const Item& item, const Hdf5Shape& first, const Hdf5Shape& count) {
  const Hdf5Shape shape = shape_of(item);
  bool inside = first.size() == shape.size() && count.size() == shape.size() && !shape.empty();
  for (std::size_t i = 0; inside && i < shape.size(); ++i)
    inside = first[i] >= 0 && count[i] >= 0 && count[i] <= shape[i] && first[i] <= shape[i] - count[i];
  if (!inside)
    item.fail("has shape " + shape_text(shape) + ": no box of " + shape_text(count) + " at " + shape_text(first));
  const hid_t space = item.space();
  H5Sselect_hyperslab(space, H5S_SELECT_SET, extents(first).data(), nullptr, extents(count).data(), nullptr);
  return space;
}

}  // namespace

// Hdf5Node

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

namespace {

template <class T> T read_as(const Item& item) {
  if constexpr (std::is_same_v<T, bool>) return read_bool(item);
  else if constexpr (std::is_arithmetic_v<T>) return single(item, read_values<T>(item));
  else if constexpr (std::is_same_v<T, std::string>) return single(item, read_strings(item));
  else if constexpr (std::is_same_v<T, std::vector<std::string>>) return read_strings(item);
  else return read_values<typename T::value_type>(item);
}

}  // namespace

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

// Hdf5Dataset

Hdf5Shape Hdf5Dataset::shape() const {
  const Quiet quiet;
  return shape_of({*id_, false, file_ + ": " + path_});
}

Index Hdf5Dataset::rows() const {
  const Hdf5Shape extent = shape();
  return extent.empty() ? 1 : extent.front();
}

Hdf5Kind Hdf5Dataset::kind() const {
  const Quiet quiet;
  return kind_of({*id_, false, file_ + ": " + path_});
}

bool Hdf5Dataset::is_numeric() const { return kind() == Hdf5Kind::integer || kind() == Hdf5Kind::real; }

template <class S> std::vector<S> Hdf5Dataset::values() const {
  const Quiet quiet;
  return pathline::read_values<S>({*id_, false, file_ + ": " + path_});
}

std::vector<std::string> Hdf5Dataset::strings() const {
  const Quiet quiet;
  return pathline::read_strings({*id_, false, file_ + ": " + path_});
}

template <class S> void Hdf5Dataset::read_block(const Hdf5Shape& first, const Hdf5Shape& count, S* out) const {
  const Quiet quiet;
  const Item item{*id_, false, file_ + ": " + path_};
  expect_numbers<S>(item);
  const Scoped space(select_box(item, first, count)), memory(make_space(count));
  if (volume(count) > 0 && H5Dread(*id_, memory_type<S>(), memory, space, H5P_DEFAULT, out) < 0)
    item.fail("cannot read: " + reason());
}

template <class S> void Hdf5Dataset::write_block(const Hdf5Shape& first, const Hdf5Shape& count, const S* values) {
  const Quiet quiet;
  const Item item{*id_, false, file_ + ": " + path_};
  const Scoped space(select_box(item, first, count)), memory(make_space(count));
  if (volume(count) > 0 && H5Dwrite(*id_, memory_type<S>(), memory, space, H5P_DEFAULT, values) < 0)
    item.fail_to_write();
}

bool Hdf5Dataset::is_wide_integer() const {
  const Quiet quiet;
  const Scoped type(H5Dget_type(*id_));
  return H5Tget_class(type) == H5T_INTEGER && H5Tget_size(type) >= 8;
}

std::string Hdf5Dataset::type_name() const {
  const Quiet quiet;
  const Scoped type(H5Dget_type(*id_));
  return type_text(type);
}

namespace {

// A field of a record: a number, or an array with one axis.
struct RecordField {
  std::string name;
  Index elements;  // 1 for a single number
  bool wide;       // integers of 64 bits
};

// The fields with numbers; others, if given, receives the names of the rest.
std::vector<RecordField> record_fields(hid_t type, std::vector<std::string>* others = nullptr) {
  std::vector<RecordField> out;
  const int count = H5Tget_class(type) == H5T_COMPOUND ? H5Tget_nmembers(type) : 0;
  for (unsigned i = 0; i < static_cast<unsigned>(std::max(count, 0)); ++i) {
    const Scoped member(H5Tget_member_type(type, i));
    const bool array = H5Tget_class(member) == H5T_ARRAY;
    const Scoped element(array ? H5Tget_super(member) : H5Tcopy(member));
    const bool integer = H5Tget_class(element) == H5T_INTEGER;
    hsize_t extent = 1;
    const bool usable = (integer || H5Tget_class(element) == H5T_FLOAT) &&
                        (!array || (H5Tget_array_ndims(member) == 1 && H5Tget_array_dims2(member, &extent) >= 0)) &&
                        extent <= (1u << 16);  // more are an image, and not a set of columns
    char* raw = H5Tget_member_name(type, i);
    const std::string name = raw ? raw : "";
    H5free_memory(raw);
    if (usable)
      out.push_back({name, static_cast<Index>(extent), integer && H5Tget_size(element) >= 8});
    else if (others)
      others->push_back(name);
  }
  return out;
}

}  // namespace

std::vector<std::string> Hdf5Dataset::fields() const {
  const Quiet quiet;
  const Scoped type(H5Dget_type(*id_));
  std::vector<std::string> names;
  for (const auto& field : record_fields(type)) {
    if (field.elements == 1)
      names.push_back(field.name);
    else
      for (Index j = 0; j < field.elements; ++j) names.push_back(field.name + "_" + std::to_string(j));
  }
  return names;
}

std::vector<std::string> Hdf5Dataset::other_fields() const {
  const Quiet quiet;
  const Scoped type(H5Dget_type(*id_));
  std::vector<std::string> names;
  (void)record_fields(type, &names);
  return names;
}

std::vector<Index> Hdf5Dataset::wide_fields() const {
  const Quiet quiet;
  const Scoped type(H5Dget_type(*id_));
  std::vector<Index> places;
  Index place = 0;
  for (const auto& field : record_fields(type))
    for (Index j = 0; j < field.elements; ++j, ++place)
      if (field.wide) places.push_back(place);
  return places;
}

Matrix<double> Hdf5Dataset::read_fields(Index first, Index count) const {
  const Quiet quiet;
  const Item item{*id_, false, file_ + ": " + path_};
  const Scoped type(H5Dget_type(*id_));
  const auto fields = record_fields(type);
  Index k = 0;
  for (const auto& field : fields) k += field.elements;
  if (k == 0) item.fail("holds " + type_text(type) + ": expected records with number fields");
  const Scoped memory(H5Tcreate(H5T_COMPOUND, static_cast<std::size_t>(k) * sizeof(double)));
  std::size_t offset = 0;
  for (const auto& field : fields) {
    const hsize_t extent = static_cast<hsize_t>(field.elements);
    const Scoped element(extent == 1 ? H5Tcopy(H5T_NATIVE_DOUBLE) : H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &extent));
    H5Tinsert(memory, field.name.c_str(), offset, element);
    offset += extent * sizeof(double);
  }
  Hdf5Shape start(shape().size(), 0), box = shape();
  if (!box.empty()) start[0] = first, box[0] = count;
  const Scoped file_space(select_box(item, start, box)), memory_space(make_space(box));
  Matrix<double> out(k, volume(box));
  if (out.size() > 0 && H5Dread(*id_, memory, memory_space, file_space, H5P_DEFAULT, out.data()) < 0)
    item.fail("cannot read: " + reason());
  return out;
}

template <class S> Matrix<S> Hdf5Dataset::read_rows(Index first, Index count) const {
  const Hdf5Shape extent = shape();
  const Index dim = row_width({*id_, false, file_ + ": " + path_}, extent);
  Matrix<S> out(dim, count);
  if (extent.size() == 2) read_block<S>({first, 0}, {count, dim}, out.data());
  else read_block<S>({first}, {count}, out.data());
  return out;
}

template <class S> void Hdf5Dataset::append_rows(ConstMatrixRef<S> samples) {
  if (samples.outerStride() != samples.rows() && samples.cols() > 1) return append_rows<S>(Matrix<S>(samples));
  const Item item{*id_, false, file_ + ": " + path_};
  Hdf5Shape extent = shape();
  if (const Index dim = row_width(item, extent); samples.rows() != dim)
    item.fail("has rows of " + std::to_string(dim) + " values: cannot append " + std::to_string(samples.rows()));
  const Index first = extent.front();
  extent.front() += samples.cols();
  {
    const Quiet quiet;
    if (H5Dset_extent(*id_, extents(extent).data()) < 0) item.fail_to_write();
  }
  if (extent.size() == 2) write_block<S>({first, 0}, {samples.cols(), samples.rows()}, samples.data());
  else write_block<S>({first}, {samples.cols()}, samples.data());
}

void Hdf5Dataset::append(ConstMatrixRef<double> samples) { append_rows<double>(samples); }
void Hdf5Dataset::append(ConstMatrixRef<float> samples) { append_rows<float>(samples); }
void Hdf5Dataset::append(ConstMatrixRef<std::int64_t> samples) { append_rows<std::int64_t>(samples); }

// Hdf5Group

std::string Hdf5Group::inner(const std::string& path) const {
  if (path.starts_with('/')) return path;
  return path_ == "/" ? "/" + path : path_ + "/" + path;
}

bool Hdf5Group::exists(const std::string& path) const {
  const Quiet quiet;
  const Scoped id(open_object(file_, *id_, inner(path)));
  return id >= 0;
}

bool Hdf5Group::is_group(const std::string& path) const {
  const Quiet quiet;
  const Scoped id(open_object(file_, *id_, inner(path)));
  return id >= 0 && H5Iget_type(id) == H5I_GROUP;
}

bool Hdf5Group::is_dataset(const std::string& path) const {
  const Quiet quiet;
  const Scoped id(open_object(file_, *id_, inner(path)));
  return id >= 0 && H5Iget_type(id) == H5I_DATASET;
}

bool Hdf5Group::has_own(const std::string& name) const {
  const Quiet quiet;
  H5L_info_t info;
  return H5Lget_info(*id_, name.c_str(), &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
}

bool Hdf5Group::leads_to_other_file(const std::string& name) const {
  const Quiet quiet;
  H5L_info_t info;
  return H5Lget_info(*id_, name.c_str(), &info, H5P_DEFAULT) >= 0 && info.type >= H5L_TYPE_EXTERNAL;
}

Index Hdf5Group::file_bytes() const {
  const Quiet quiet;
  return file_bytes_of(*id_);
}

std::vector<std::string> Hdf5Group::children() const {
  const Quiet quiet;
  return child_names(*id_);
}

std::vector<std::string> Hdf5Group::datasets() const {
  const Quiet quiet;
  std::vector<std::string> names;
  int left = 2000;
  list_datasets(*id_, "", 16, left, names);
  return names;
}

Hdf5Group Hdf5Group::group(const std::string& path) const {
  const Quiet quiet;
  if (!is_group(path))
    throw InputError(file_ + ": no group '" + path + "' in " + path_ + ": it has " + list_text(children()));
  return {file_, inner(path), open_object(file_, *id_, inner(path))};
}

Hdf5Dataset Hdf5Group::dataset(const std::string& path) const {
  const Quiet quiet;
  if (is_group(path))
    throw InputError(file_ + ": " + inner(path) + ": is a group: expected a data set, as " +
                     list_text(group(path).datasets()));
  if (!is_dataset(path))
    throw InputError(file_ + ": no data set '" + path + "'" + (path_ == "/" ? "" : " in " + path_) + ": it has " +
                     list_text(datasets()));
  const Hdf5Dataset found(file_, inner(path), open_object(file_, *id_, inner(path)));
  check_storage({*found.id_, false, file_ + ": " + found.path()});
  return found;
}

Hdf5Group Hdf5Group::create_group(const std::string& path) {
  const Quiet quiet;
  if (is_group(path)) return group(path);
  const Scoped links(make_link_list());
  const hid_t id = H5Gcreate2(*id_, inner(path).c_str(), links, H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0) Item{id, false, file_ + ": " + inner(path)}.fail_to_write();
  return {file_, inner(path), id};
}

Hdf5Dataset Hdf5Group::create(const std::string& path, std::int64_t type, const Hdf5Shape& shape, bool extendible) {
  const Quiet quiet;
  const Scoped links(make_link_list()), list(make_dataset_list());
  std::vector<hsize_t> dims = extents(shape), most = dims;
  if (extendible) {
    const Index row_bytes = volume({shape.begin() + 1, shape.end()}) * static_cast<Index>(H5Tget_size(type));
    std::vector<hsize_t> chunk = dims;
    chunk.front() = static_cast<hsize_t>(std::max<Index>(1, (1 << 18) / std::max<Index>(1, row_bytes)));
    for (hsize_t& extent : chunk) extent = std::max<hsize_t>(1, extent);
    H5Pset_chunk(list, static_cast<int>(chunk.size()), chunk.data());
    most.front() = H5S_UNLIMITED;
  }
  const Scoped space(shape.empty() ? H5Screate(H5S_SCALAR)
                                   : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), most.data()));
  const hid_t id = H5Dcreate2(*id_, inner(path).c_str(), type, space, links, list, H5P_DEFAULT);
  if (id < 0) Item{id, false, file_ + ": " + inner(path)}.fail_to_write();
  return {file_, inner(path), id};
}

template <class S> Hdf5Dataset Hdf5Group::create_dataset(const std::string& path, const Hdf5Shape& shape) {
  return create(path, memory_type<S>(), shape, false);
}

template <class S> Hdf5Dataset Hdf5Group::create_extendible(const std::string& path, const Hdf5Shape& row) {
  Hdf5Shape shape{0};
  shape.insert(shape.end(), row.begin(), row.end());
  return create(path, memory_type<S>(), shape, true);
}

void Hdf5Group::write_matrix(const std::string& path, ConstMatrixRef<double> samples) {
  const Matrix<double> copy = samples;  // contiguous
  write_values(path, {copy.cols(), copy.rows()}, copy.data());
}

void Hdf5Group::write_matrix(const std::string& path, ConstMatrixRef<float> samples) {
  const Matrix<float> copy = samples;
  write_values(path, {copy.cols(), copy.rows()}, copy.data());
}

void Hdf5Group::write_vector(const std::string& path, ConstVectorRef<double> values) {
  write_values(path, {values.size()}, values.data());
}

void Hdf5Group::write_vector(const std::string& path, ConstVectorRef<float> values) {
  write_values(path, {values.size()}, values.data());
}

void Hdf5Group::write_raw(const std::string& path, std::int64_t type, const Hdf5Shape& shape, const void* values) {
  const Quiet quiet;
  const Hdf5Dataset made = create(path, type, shape, false);
  if (volume(shape) > 0 && H5Dwrite(*made.id_, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
    Item{*made.id_, false, file_ + ": " + made.path()}.fail_to_write();
}

template <class S> void Hdf5Group::write_values(const std::string& path, const Hdf5Shape& shape, const S* values) {
  write_raw(path, memory_type<S>(), shape, values);
}

void Hdf5Group::write_string(const std::string& path, const std::string& value) {
  const Scoped type(make_string_type());
  const char* text = value.c_str();
  write_raw(path, type, {}, &text);
}

void Hdf5Group::write_strings(const std::string& path, const std::vector<std::string>& values) {
  const Scoped type(make_string_type());
  write_raw(path, type, {static_cast<Index>(values.size())}, pointers(values).data());
}

template <class S> Matrix<S> Hdf5Group::read_matrix(const std::string& path) const {
  const Hdf5Dataset found = dataset(path);
  return found.read_rows<S>(0, found.rows());
}

template <class S> Vector<S> Hdf5Group::read_vector(const std::string& path) const {
  const Hdf5Dataset found = dataset(path);
  if (found.shape().size() > 1)
    throw InputError(file_ + ": " + found.path() + ": has shape " + shape_text(found.shape()) + ": expected (N,)");
  const std::vector<S> values = found.values<S>();
  return ConstVectorMap<S>(values.data(), static_cast<Index>(values.size()));
}

std::string Hdf5Group::read_string(const std::string& path) const {
  const Hdf5Dataset found = dataset(path);
  return single({*found.id_, false, file_ + ": " + found.path()}, found.strings());
}

std::vector<std::string> Hdf5Group::read_strings(const std::string& path) const { return dataset(path).strings(); }

#define PATHLINE_HDF5_INSTANTIATE(S)                                                             \
  template std::vector<S> Hdf5Dataset::values() const;                                           \
  template void Hdf5Dataset::read_block(const Hdf5Shape&, const Hdf5Shape&, S*) const;           \
  template void Hdf5Dataset::write_block(const Hdf5Shape&, const Hdf5Shape&, const S*);          \
  template Matrix<S> Hdf5Dataset::read_rows(Index, Index) const;                                 \
  template Hdf5Dataset Hdf5Group::create_dataset<S>(const std::string&, const Hdf5Shape&);       \
  template Hdf5Dataset Hdf5Group::create_extendible<S>(const std::string&, const Hdf5Shape&);    \
  template void Hdf5Group::write_values(const std::string&, const Hdf5Shape&, const S*);         \
  template Matrix<S> Hdf5Group::read_matrix(const std::string&) const;                           \
  template Vector<S> Hdf5Group::read_vector(const std::string&) const;

PATHLINE_HDF5_INSTANTIATE(double)
PATHLINE_HDF5_INSTANTIATE(float)
PATHLINE_HDF5_INSTANTIATE(std::int64_t)
#undef PATHLINE_HDF5_INSTANTIATE

// Hdf5File

Hdf5File::Hdf5File(std::string file, std::int64_t id, std::unique_ptr<ReplaceFile> output)
    : Hdf5Group(std::move(file), "/", output ? -1 : id), output_(std::move(output)), failures_(g_failures) {
  if (output_) id_ = shared_output(id);
}

bool Hdf5File::check(const std::string& file) {
  std::FILE* probe = std::fopen(file.c_str(), "rb");
  if (!probe) throw_cannot_read(file);
  errno = 0;
  const int first = std::fgetc(probe);
  const int reading = errno;
  std::fclose(probe);
  errno = reading;
  if (first == EOF && reading != 0) throw_cannot_read(file);
  if (first == EOF) throw InputError(file + ": empty: not an HDF5 file");
  return check_seal(file);
}

Hdf5File Hdf5File::open(const std::string& file) {
  const bool sealed = check(file);
  if (!reads_hdf5_in_child()) return open_here(file);
  try {
    return open_image(file, clean_copy(file));
  } catch (const std::system_error&) {  // no more processes; a sealed file is as it was written
    if (!sealed) throw;
    return open_here(file);
  }
}

Hdf5File Hdf5File::open_here(const std::string& file) {
  const Quiet quiet;
  if (H5Fis_hdf5(file.c_str()) <= 0) throw InputError(file + ": not an HDF5 file");
  const Scoped access(make_file_access_list());
  const hid_t id = H5Fopen(file.c_str(), H5F_ACC_RDONLY, access);
  if (id < 0) throw InputError(file + ": cannot read: " + reason());
  return {file, id, nullptr};
}

Hdf5File Hdf5File::open_image(const std::string& file, std::string bytes) {
  const Quiet quiet;
  const Scoped access(make_memory_access_list());
  H5Pset_file_image(access, bytes.data(), bytes.size());
  const hid_t id = H5Fopen(memory_name().c_str(), H5F_ACC_RDONLY, access);
  if (id < 0) throw InputError(file + ": cannot read: " + reason());
  return {file, id, nullptr};
}

Hdf5File Hdf5File::create_in_memory(const std::string& file) {
  const Quiet quiet;
  const Scoped access(make_memory_access_list());
  const hid_t id = H5Fcreate(memory_name().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  if (id < 0) throw InputError(file + ": cannot be copied: " + reason());
  return {file, id, nullptr};
}

std::string Hdf5File::image() const {
  const Quiet quiet;
  H5Fflush(*id_, H5F_SCOPE_GLOBAL);
  const ssize_t size = H5Fget_file_image(*id_, nullptr, 0);
  std::string bytes(static_cast<std::size_t>(std::max<ssize_t>(size, 0)), '\0');
  if (size < 0 || H5Fget_file_image(*id_, bytes.data(), bytes.size()) < 0)
    throw InputError(file_ + ": cannot be copied: " + reason());
  return bytes;
}

Hdf5File Hdf5File::create(const std::string& file) { return create(file, false); }

Hdf5File Hdf5File::create_sealed(const std::string& file) { return create(file, true); }

Hdf5File Hdf5File::create(const std::string& file, bool sealed) {
  const Quiet quiet;
  auto output = std::make_unique<ReplaceFile>(file);
  if (output->is_direct()) throw InputError(file + ": cannot write: HDF5 needs a regular file");
  const Scoped access(make_file_access_list()), creation(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_userblock(creation, sealed ? kSealBytes : 0);
  const hid_t id = H5Fcreate(output->path().c_str(), H5F_ACC_TRUNC, creation, access);
  if (id < 0) throw InputError(file + ": cannot write: " + reason());
  Hdf5File made(file, id, std::move(output));
  made.sealed_ = sealed;
  return made;
}

void Hdf5File::commit(const std::string& previous) {
  const Quiet quiet;
  assert(output_);
  const hid_t id = std::exchange(*id_, -1);  // is closed once, even if closing fails
  const bool flushed = H5Fflush(id, H5F_SCOPE_GLOBAL) >= 0;
  if (!flushed) ++g_failures;
  const std::string why = flushed ? "" : reason();
  // A file whose flush failed is not closed, because closing would write and fail again.
  if (flushed && H5Fclose(id) < 0) ++g_failures;
  if (g_failures != failures_)
    throw InputError(file_ + ": cannot write: " + (why.empty() ? "an object of the file could not be closed" : why));
  if (sealed_) write_seal(output_->path(), file_);
  output_->commit(previous);
}

void skip_hdf5_exit_handler() { H5dont_atexit(); }

}  // namespace pathline
