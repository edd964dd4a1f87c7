/// \file
/// HDF5 files: groups, data sets and attributes. The C library stays inside src/io. One thread at a time.
///
/// A file keeps one sample a row and its rows first; memory keeps one sample a column. Both have the same order of
/// bytes: a matrix d x N in memory is a data set of shape (N, d).
///
/// Every error is an InputError of one line that names the file, the object, and what was found there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "pathline/core/types.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {

using Hdf5Shape = std::vector<Index>;  ///< as h5py says it: (N, d); empty for one single value

/// What an attribute or a data set holds. boolean: an enumeration, as h5py writes one.
enum class Hdf5Kind { integer, real, text, boolean, other };

/// A place in a file with attributes. Copies are the same place; none outlives the file's being open.
class Hdf5Node {
 public:
  const std::string& path() const { return path_; }  ///< inside the file, "/" for its root

  bool has_attribute(const std::string& name) const;
  std::vector<std::string> attribute_names() const;  ///< sorted
  Hdf5Kind attribute_kind(const std::string& name) const;
  Hdf5Shape attribute_shape(const std::string& name) const;

  /// T: double, std::int64_t, std::uint64_t, bool, std::string,
  /// or std::vector of double, std::int64_t or std::string.
  template <class T> T attribute(const std::string& name) const;

  /// Replaces one of that name. A string is variable-length UTF-8, a bool what h5py takes for one.
  template <class T> requires std::is_arithmetic_v<T> void set_attribute(const std::string& name, T value) {
    if constexpr (std::is_same_v<T, bool>) set_bool(name, value);
    else if constexpr (std::is_floating_point_v<T>) set_real(name, static_cast<double>(value));
    else if constexpr (std::is_signed_v<T>) set_integer(name, static_cast<std::int64_t>(value));
    else set_unsigned(name, static_cast<std::uint64_t>(value));
  }
  void set_attribute(const std::string& name, const std::string& value);
  void set_attribute(const std::string& name, const char* value) { set_attribute(name, std::string(value)); }
  void set_attribute(const std::string& name, const std::vector<double>& values);
  void set_attribute(const std::string& name, const std::vector<std::int64_t>& values);
  void set_attribute(const std::string& name, const std::vector<std::string>& values);

 protected:
  Hdf5Node(std::string file, std::string path, std::int64_t id);

  std::string file_, path_;
  std::shared_ptr<std::int64_t> id_;  ///< the C library's hid_t, closed with the last copy

 private:
  template <class Read> auto read_attribute(const std::string& name, Read read) const;
  void set_raw(const std::string& name, std::int64_t type, const Hdf5Shape& shape, const void* values);
  void set_bool(const std::string& name, bool value);
  void set_real(const std::string& name, double value);
  void set_integer(const std::string& name, std::int64_t value);
  void set_unsigned(const std::string& name, std::uint64_t value);
};

/// Numbers or strings in a box. S: double, float or std::int64_t; a number of the file is converted.
class Hdf5Dataset : public Hdf5Node {
 public:
  Hdf5Shape shape() const;
  Index rows() const;  ///< of the first axis; 1 for a single value
  Hdf5Kind kind() const;
  bool is_numeric() const;       ///< integers or floating point
  bool is_wide_integer() const;  ///< integers of 64 bits, which a double may not represent
  std::string type_name() const;  ///< what it holds, for a message: "float64", "strings"

  template <class S> std::vector<S> values() const;  ///< all, last axis fastest
  std::vector<std::string> strings() const;          ///< all; fixed or variable length

  /// The box that begins at `first` and has `count` along each axis, last axis fastest.
  template <class S> void read_block(const Hdf5Shape& first, const Hdf5Shape& count, S* out) const;
  template <class S> void write_block(const Hdf5Shape& first, const Hdf5Shape& count, const S* values);

  /// Rows [first, first + count) of shape (N, d) as d x count, of shape (N) as 1 x count.
  template <class S> Matrix<S> read_rows(Index first, Index count) const;

  /// The number fields of records (a compound type), in their order; the elements of an array field `x` are x_0, x_1,
  /// ... Fields of another type are left out. Empty if the data set does not hold records.
  std::vector<std::string> fields() const;
  std::vector<std::string> other_fields() const;  ///< those that fields() leaves out
  std::vector<Index> wide_fields() const;         ///< the places in fields() of integers of 64 bits
  /// The values of fields() for the records [first, first + count) of the first axis: k x count.
  Matrix<double> read_fields(Index first, Index count) const;

  /// More rows (d x n) at the end of what create_extendible made; 1 x n for shape (N).
  void append(ConstMatrixRef<double> samples);
  void append(ConstMatrixRef<float> samples);
  void append(ConstMatrixRef<std::int64_t> samples);

 private:
  friend class Hdf5Group;
  using Hdf5Node::Hdf5Node;
  template <class S> void append_rows(ConstMatrixRef<S> samples);
};

class Hdf5Group : public Hdf5Node {
 public:
  /// Paths are relative to the group ("layers/0/weight") or, from "/", to the root.
  bool exists(const std::string& path) const;
  bool is_group(const std::string& path) const;
  bool is_dataset(const std::string& path) const;
  std::vector<std::string> children() const;  ///< names, sorted
  /// Whether the child of that name is stored in this file: not a soft or an external link.
  bool has_own(const std::string& name) const;
  /// Whether the child of that name is a link to another file, which no function here follows.
  bool leads_to_other_file(const std::string& name) const;
  Index file_bytes() const;                   ///< of the whole file, as it is on the disk or is being written
  std::vector<std::string> datasets() const;  ///< paths relative to the group, of all below it

  Hdf5Group group(const std::string& path) const;
  Hdf5Dataset dataset(const std::string& path) const;

  /// Groups on the way are made; a group may exist, a data set must not. S: double, float or std::int64_t.
  Hdf5Group create_group(const std::string& path);
  template <class S> Hdf5Dataset create_dataset(const std::string& path, const Hdf5Shape& shape);

  /// Shape (0, row...), to append to: {d} for (N, d), {} for (N). Chunks of about 256 KiB.
  template <class S> Hdf5Dataset create_extendible(const std::string& path, const Hdf5Shape& row);

  /// Whole data sets. Shape (N, d) is d x N in memory; a vector is shape (N).
  void write_matrix(const std::string& path, ConstMatrixRef<double> samples);
  void write_matrix(const std::string& path, ConstMatrixRef<float> samples);
  void write_vector(const std::string& path, ConstVectorRef<double> values);
  void write_vector(const std::string& path, ConstVectorRef<float> values);
  template <class S> void write_values(const std::string& path, const Hdf5Shape& shape, const S* values);
  void write_string(const std::string& path, const std::string& value);  ///< a single value
  void write_strings(const std::string& path, const std::vector<std::string>& values);

  template <class S> Matrix<S> read_matrix(const std::string& path) const;  ///< shape (N, d) or (N), as read_rows
  template <class S> Vector<S> read_vector(const std::string& path) const;  ///< shape (N) or a single value
  std::string read_string(const std::string& path) const;
  std::vector<std::string> read_strings(const std::string& path) const;

 protected:
  using Hdf5Node::Hdf5Node;

 private:
  std::string inner(const std::string& path) const;  ///< from the root
  Hdf5Dataset create(const std::string& path, std::int64_t type, const Hdf5Shape& shape, bool extendible);
  void write_raw(const std::string& path, std::int64_t type, const Hdf5Shape& shape, const void* values);
};

/// The file and its root group. What create() makes takes the place of an older file by commit(), and leaves
/// nothing behind without it. Files with the same content are the same bytes (no times are stored).
class Hdf5File : public Hdf5Group {
 public:
  /// To read. After read_hdf5_in_child() a copy in memory, which a child process made of the file's groups, numbers and
  /// texts.
  [[nodiscard]] static Hdf5File open(const std::string& file);
  /// Throws InputError for a file that cannot be read or whose seal does not match its bytes, before the HDF5 library
  /// sees it. Returns whether it has a seal.
  static bool check(const std::string& file);
  [[nodiscard]] static Hdf5File open_here(const std::string& file);  ///< to read in this process, unchecked

  /// A file in memory: made, its bytes, and to read such bytes. file: the name for messages.
  [[nodiscard]] static Hdf5File create_in_memory(const std::string& file);
  [[nodiscard]] std::string image() const;
  [[nodiscard]] static Hdf5File open_image(const std::string& file, std::string bytes);

  [[nodiscard]] static Hdf5File create(const std::string& file);
  /// Like create(); commit() then writes a checksum of all other bytes into the file's first 512 bytes (a user block,
  /// which every HDF5 reader skips), and open() verifies it before the HDF5 library sees the file.
  [[nodiscard]] static Hdf5File create_sealed(const std::string& file);

  /// Closes a created file with all objects opened in it, and puts it in its place. Throws InputError, and leaves the
  /// older file as it is, if any write or close since create() failed. previous: a path beside the file, where the file
  /// that is replaced is kept; empty: it is not kept.
  void commit(const std::string& previous = "");

 private:
  Hdf5File(std::string file, std::int64_t id, std::unique_ptr<ReplaceFile> output);
  static Hdf5File create(const std::string& file, bool sealed);

  std::unique_ptr<ReplaceFile> output_;  ///< of a created file
  long failures_;                        ///< of writes and closes in the process, when the file was opened
  bool sealed_ = false;                  ///< a created file gets a checksum
};

/// Whether HDF5 files are read in a child process with limits on memory and time. The HDF5 library may crash or loop on a
/// damaged file; in a child that is an InputError. The command does so. In a library it is off until asked for, because
/// fork() may be unwelcome in an embedding program.
void read_hdf5_in_child(bool yes);
[[nodiscard]] bool reads_hdf5_in_child();

/// HDF5 closes at the process's end what is still open, and crashes there after a write that failed (1.10, full disk).
/// A main function calls this before any other use of HDF5: each file is closed by its own object.
void skip_hdf5_exit_handler();

}  // namespace pathline
