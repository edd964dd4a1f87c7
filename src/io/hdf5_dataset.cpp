// Reads and writes the values of a data set: all, a box, rows, or the fields of records.
#include "pathline/io/hdf5.hpp"

#include <hdf5.h>

#include "io/hdf5_error.hpp"
#include "io/hdf5_handle.hpp"
#include "io/hdf5_item.hpp"
#include "io/hdf5_record.hpp"
#include "io/hdf5_shape.hpp"
#include "io/hdf5_type.hpp"
#include "io/vector_column.hpp"

namespace pathline {

using namespace hdf5;

namespace {

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
  return hdf5::read_values<S>({*id_, false, file_ + ": " + path_});
}

std::vector<std::string> Hdf5Dataset::strings() const {
  const Quiet quiet;
  return hdf5::read_strings({*id_, false, file_ + ": " + path_});
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
  return is_wide(type);
}

std::string Hdf5Dataset::type_name() const {
  const Quiet quiet;
  const Scoped type(H5Dget_type(*id_));
  return type_text(type);
}

std::vector<std::string> Hdf5Dataset::fields() const {
  const Quiet quiet;
  const Scoped type(H5Dget_type(*id_));
  std::vector<std::string> names;
  for (const auto& field : record_fields(type)) {
    if (!field.array)
      names.push_back(field.name);
    else
      for (Index j = 0; j < field.elements; ++j) names.push_back(vector_column(field.name, j));
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
  const Scoped memory(make_record_type(fields));
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

#define PATHLINE_HDF5_INSTANTIATE(S)                                                    \
  template std::vector<S> Hdf5Dataset::values() const;                                  \
  template void Hdf5Dataset::read_block(const Hdf5Shape&, const Hdf5Shape&, S*) const;  \
  template void Hdf5Dataset::write_block(const Hdf5Shape&, const Hdf5Shape&, const S*); \
  template Matrix<S> Hdf5Dataset::read_rows(Index, Index) const;

PATHLINE_HDF5_INSTANTIATE(double)
PATHLINE_HDF5_INSTANTIATE(float)
PATHLINE_HDF5_INSTANTIATE(std::int64_t)
#undef PATHLINE_HDF5_INSTANTIATE

}  // namespace pathline
