// Finds, makes, reads and writes the objects in a group of an HDF5 file.
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

}  // namespace

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

#define PATHLINE_HDF5_INSTANTIATE(S)                                                          \
  template Hdf5Dataset Hdf5Group::create_dataset<S>(const std::string&, const Hdf5Shape&);    \
  template Hdf5Dataset Hdf5Group::create_extendible<S>(const std::string&, const Hdf5Shape&); \
  template void Hdf5Group::write_values(const std::string&, const Hdf5Shape&, const S*);      \
  template Matrix<S> Hdf5Group::read_matrix(const std::string&) const;                        \
  template Vector<S> Hdf5Group::read_vector(const std::string&) const;

PATHLINE_HDF5_INSTANTIATE(double)
PATHLINE_HDF5_INSTANTIATE(float)
PATHLINE_HDF5_INSTANTIATE(std::int64_t)
#undef PATHLINE_HDF5_INSTANTIATE

}  // namespace pathline
