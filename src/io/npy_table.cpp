// NumPy's format (NEP 1): a magic string, a version, a header as a Python dictionary, then the array.
#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <string_view>

#include <fmt/format.h>

#include "core/checked_product.hpp"
#include "io/tables.hpp"
#include "io/text_stream.hpp"
#include "io/vector_column.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

template <class T> double as_double(const char* bytes, bool swap) {
  char raw[sizeof(T)];
  std::copy_n(bytes, sizeof(T), raw);
  if (swap) std::reverse(raw, raw + sizeof(T));
  T value;
  std::memcpy(&value, raw, sizeof(T));
  return static_cast<double>(value);
}

// The type binary16 of IEEE 754.
struct Half {
  std::uint16_t bits;
  explicit operator double() const {
    const int sign = bits >> 15, exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = exponent == 31  ? (fraction ? std::nan("") : HUGE_VAL)
                        : exponent == 0 ? std::ldexp(fraction, -24)
                                        : std::ldexp(1024 + fraction, exponent - 25);
    return sign ? -size : size;
  }
};

struct NumberKind {
  std::string_view name;
  Index size;
  double (*as_double)(const char* bytes, bool swap);
  bool is_wide_integer = false;  // whether it holds integers that a double cannot represent
};

constexpr NumberKind kKinds[] = {
    {"f2", 2, as_double<Half>},
    {"f4", 4, as_double<float>},
    {"f8", 8, as_double<double>},
    {"i1", 1, as_double<std::int8_t>},
    {"i2", 2, as_double<std::int16_t>},
    {"i4", 4, as_double<std::int32_t>},
    {"i8", 8, as_double<std::int64_t>, true},
    {"u1", 1, as_double<std::uint8_t>},
    {"u2", 2, as_double<std::uint16_t>},
    {"u4", 4, as_double<std::uint32_t>},
    {"u8", 8, as_double<std::uint64_t>, true},
};

// The text after 'key': in the dictionary, without blanks in front; empty if the key is missing.
std::string_view value_of(std::string_view dictionary, std::string_view key) {
  const auto at = dictionary.find(fmt::format("'{}':", key));
  if (at == dictionary.npos) return {};
  dictionary.remove_prefix(at + key.size() + 3);
  dictionary.remove_prefix(std::min(dictionary.find_first_not_of(' '), dictionary.size()));
  return dictionary;
}

// The text between two characters, or nothing.
std::optional<std::string_view> enclosed(std::string_view text, char open, char close) {
  if (!text.starts_with(open)) return std::nullopt;
  const auto end = text.find(close, 1);
  if (end == text.npos) return std::nullopt;
  return text.substr(1, end - 1);
}

// One column of the array, with the position of its numbers in a row of the file.
struct Column {
  const NumberKind* kind;
  Index offset;
  bool swap;
};

class NpyReader final : public TableReader {
 public:
  NpyReader(const std::string& name, std::unique_ptr<std::istream> in, const TableOptions& options)
      : TableReader(name, options), in_(std::move(in)) {
    parse_header(header());
    if (rows_ <= 20 && dim_ > 10 * rows_ && columns_.empty())
      notes_.push_back(fmt::format("{}: {} rows and {} columns; if the array is transposed, write its transpose", name_,
                                   rows_, dim_));
  }

  std::optional<Index> rows() const override { return rows_; }

 protected:
  bool read_rows(Matrix<double>& out, Index most) override {
    const Index count = std::min(most, rows_ - next_), dim = static_cast<Index>(layout_.size());
    if (count <= 0) return false;
    out.resize(dim, count);
    // Reads in the order of the file: whole rows or, in Fortran order, a part of each column.
    if (fortran_) {
      const Index size = layout_[0].kind->size;
      for (Index j = 0; j < dim; ++j) {
        read_bytes((j * rows_ + next_) * size, count * size);
        for (Index i = 0; i < count; ++i) out(j, i) = number(layout_[0], i * size);
      }
    } else {
      read_bytes(next_ * row_bytes_, count * row_bytes_);
      for (Index i = 0; i < count; ++i)
        for (Index j = 0; j < dim; ++j) {
          const Column& column = layout_[static_cast<std::size_t>(j)];
          out(j, i) = number(column, i * row_bytes_ + column.offset);
        }
    }
    next_ += count;
    return true;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw InputError(name_ + ": " + what); }

  [[noreturn]] void refuse_field(std::string_view field, const std::string& what) const {
    refuse(fmt::format("the field '{}' {}; save the fields with numbers alone, as in numpy.save('x', x[['a', 'b']])",
                       field.substr(0, 60), what));
  }

  double number(const Column& column, Index at) const {
    const double value = column.kind->as_double(buffer_.data() + at, column.swap);
    return column.kind->is_wide_integer ? marked_if_inexact(value) : value;
  }

  std::string header() {
    char start[8];
    if (!in_->read(start, 8) || std::memcmp(start, "\x93NUMPY", 6) != 0) refuse("not an NPY file");
    const int major = start[6];
    if (major < 1 || major > 3) refuse(fmt::format("NPY version {}: expected 1, 2 or 3", major));
    unsigned char length[4] = {};
    in_->read(reinterpret_cast<char*>(length), major == 1 ? 2 : 4);
    const std::size_t n = length[0] | length[1] << 8 | length[2] << 16 | static_cast<std::size_t>(length[3]) << 24;
    if (!*in_) refuse("truncated in its header");
    if (n > (1u << 16)) refuse(fmt::format("the header has {} bytes; at most 65536 are allowed", n));
    std::string text(n, ' ');
    if (!in_->read(text.data(), static_cast<std::streamsize>(n))) refuse("truncated in its header");
    return text;
  }

  static const NumberKind* kind_of(std::string_view type) {
    const auto* const kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const NumberKind& k) {
      return type.size() == 3 && type.substr(1) == k.name;
    });
    return kind == std::end(kKinds) ? nullptr : kind;
  }
  static Column column_of(const NumberKind* kind, std::string_view type, Index offset) {
    return {kind, offset, type.front() == '>' && std::endian::native == std::endian::little};
  }

  Column column_of_array(std::string_view type) const {
    if (const auto* kind = kind_of(type)) return column_of(kind, type, 0);
    refuse(fmt::format(
        "contains '{}'; expected f2, f4, f8, i1 to i8 or u1 to u8: convert it with {}", type.substr(0, 40),
        type.find('c') != type.npos ? "numpy.column_stack([x.real, x.imag])" : "numpy.asarray(x, dtype=float)"));
  }

  void parse_header(std::string_view text) {
    const auto descr = value_of(text, "descr");
    const auto type = enclosed(descr, '\'', '\'');
    const bool structured = descr.starts_with('[');
    if (!type && !structured) refuse("the header has no simple 'descr'");
    if (type)
      layout_ = {column_of_array(*type)}, row_bytes_ = layout_[0].kind->size;
    else
      parse_record(descr);
    const auto order = value_of(text, "fortran_order");
    if (!order.starts_with("True") && !order.starts_with("False")) refuse("the header has no 'fortran_order'");
    fortran_ = order.starts_with("True");
    const auto shape = enclosed(value_of(text, "shape"), '(', ')');
    if (!shape) refuse("the header has no 'shape'");
    parse_shape(*shape, structured);
    if (layout_.empty()) refuse("the table has no columns");
    dim_ = static_cast<Index>(layout_.size());
    check_columns(name_, columns_);
  }

  [[noreturn]] void refuse_list() const { refuse("the header has no list of fields as NumPy writes it"); }

  // Records have a type like [('x', '<f8'), ('z', '<i4', (2,)), ('name', '<U3')]. As in HDF5, numbers and vectors of
  // them are columns, and the other fields are left out.
  void parse_record(std::string_view text) {
    std::vector<std::string> others;
    row_bytes_ = parse_fields(text, 0, &others, 8);
    if (!others.empty())
      notes_.push_back(fmt::format("{}: fields without numbers are left out: {}", name_, fmt::join(others, ", ")));
    if (layout_.empty() && !others.empty())
      refuse(fmt::format("none of the fields holds numbers: {}", fmt::join(others, ", ")));
  }

  // Removes the list of fields at the start of the text, and returns the bytes of a record that begins at `offset`.
  // others: receives the names of the fields that are no columns; null for a record inside of a record, which has none.
  // depth: of records in records, at most.
  Index parse_fields(std::string_view& text, Index offset, std::vector<std::string>* others, int depth) {
    if (depth == 0) refuse_list();
    const Index begin = offset;
    take(text, "[");
    while (!starts(text, ']')) {
      take(text, "(");
      const auto name = take_quoted(text);
      take(text, ",");
      const bool nested = starts(text, '[');
      const auto type = nested ? std::string_view() : take_quoted(text);
      const Index element = nested ? parse_fields(text, offset, nullptr, depth - 1) : bytes_of(type, name);
      const auto shape = take_shape(text, name);
      take(text, ")");
      if (others) add_field(name, type, offset, shape, *others);
      auto extents = shape;
      extents.push_back(element);
      const auto bytes = checked_product(extents);
      if (!bytes || *bytes > (Index{1} << 40)) refuse_field(name, "is too large");
      offset += *bytes;
      if (starts(text, ',')) take(text, ",");
    }
    take(text, "]");
    return offset - begin;
  }

  static void skip_blanks(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  static bool starts(std::string_view& text, char with) {
    skip_blanks(text);
    return text.starts_with(with);
  }
  void take(std::string_view& text, std::string_view expected) const {
    skip_blanks(text);
    if (!text.starts_with(expected)) refuse_list();
    text.remove_prefix(expected.size());
    skip_blanks(text);
  }
  std::string_view take_quoted(std::string_view& text) const {
    const auto found = enclosed(text, '\'', '\'');
    if (!found) refuse_list();
    text.remove_prefix(found->size() + 2);
    return *found;
  }

  // The bytes of an element of a type such as '<f8', '<U3', '|V4' or '<M8[ns]'.
  Index bytes_of(std::string_view type, std::string_view field) const {
    Index size = 0;
    const auto* const last = type.data() + type.size();
    const bool sized = type.size() > 2 && std::from_chars(type.data() + 2, last, size).ec == std::errc();
    if (type.size() > 1 && type[1] == 'O') refuse_field(field, "holds Python objects, so that the file is a pickle");
    if (!sized || size < 0 || size > (Index{1} << 30))
      refuse_field(field, fmt::format("contains '{}'", type.substr(0, 40)));
    return type[1] == 'U' ? 4 * size : size;
  }

  // Removes ", (2, 3)" from the text and returns its extents; none for a field that is a single value.
  std::vector<Index> take_shape(std::string_view& text, std::string_view field) const {
    std::vector<Index> shape;
    if (!starts(text, ',')) return shape;
    take(text, ",");
    const auto inside = enclosed(text, '(', ')');
    if (!inside) refuse_list();
    text.remove_prefix(inside->size() + 2);
    for (auto rest = *inside; !rest.empty();) {
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), shape.emplace_back(0));
      rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
      if (error != std::errc() || shape.back() < 1 || !(rest.empty() || rest.front() == ','))
        refuse_field(field, fmt::format("has the shape ({})", inside->substr(0, 40)));
      rest.remove_prefix(std::min(rest.find_first_not_of(", "), rest.size()));
    }
    return shape;
  }

  // A vector of numbers has one column an element, as in HDF5. The padding of a C struct is no field.
  void add_field(std::string_view field, std::string_view type, Index offset, const std::vector<Index>& shape,
                 std::vector<std::string>& others) {
    const auto* const kind = kind_of(type);
    if (!kind || shape.size() > 1) {
      if (!field.empty() || !type.starts_with("|V")) others.emplace_back(field);
      return;
    }
    // The header may ask for more memory than the file has bytes.
    const Index most = std::min<Index>((1 << 16) - std::ssize(layout_), (1 << 24) / (1 + std::ssize(field)));
    const Index elements = shape.empty() ? 1 : shape[0];
    if (elements > most)
      refuse_field(field, fmt::format("has {} elements, more than a table may have columns", elements));
    for (Index j = 0; j < elements; ++j) {
      layout_.push_back(column_of(kind, type, offset + j * kind->size));
      columns_.push_back(shape.empty() ? std::string(field) : vector_column(std::string(field), j));
    }
  }

  // Before anything of the stated size is made.
  void check_size() {
    start_ = in_->tellg();
    in_->seekg(0, std::ios::end);
    const auto there = static_cast<Index>(in_->tellg() - start_), expected = rows_ * row_bytes_;
    if (there < expected)
      throw InputError(fmt::format("{}: truncated: {} bytes of data, expected {}", name_, there, expected));
  }

  // The shape is (N, d), (N), or (..., d), whose first axes are joined; records have the shape (...).
  void parse_shape(std::string_view inside, bool structured) {
    const auto fail = [&] { refuse(fmt::format("shape ({}): expected (N, d) or (N)", inside.substr(0, 40))); };
    std::vector<Index> shape;
    for (auto rest = inside; !rest.empty();) {
      Index extent = -1;
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), extent);
      if (error != std::errc() || extent < 0) fail();
      shape.push_back(extent);
      rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
      if (!rest.empty() && rest.front() != ',') fail();
      rest.remove_prefix(std::min(rest.find_first_not_of(", "), rest.size()));
    }
    if (shape.empty() || shape.size() > 8 || (fortran_ && shape.size() > 2)) fail();
    const Index d = structured || shape.size() == 1 ? 1 : shape.back();
    if (!structured && shape.size() > 1) shape.pop_back();
    const auto rows = checked_product(shape), row_bytes = checked_product({d, row_bytes_});
    if (!rows || !row_bytes || !checked_product({*rows, *row_bytes})) fail();
    rows_ = *rows, row_bytes_ = *row_bytes;
    if (rows_ == 0 && d > 4096) fail();  // columns beyond number in a file without one row
    check_size();
    if (!structured) {
      const Column first = layout_[0];
      layout_.assign(static_cast<std::size_t>(d), first);
      for (Index j = 0; j < d; ++j) layout_[static_cast<std::size_t>(j)].offset = j * first.kind->size;
    }
    if (shape.size() > 1)
      notes_.push_back(
          fmt::format("{}: shape ({}): all axes but the last are joined to {} rows", name_, inside, rows_));
  }

  void read_bytes(Index first, Index count) {
    buffer_.resize(static_cast<std::size_t>(count));
    in_->seekg(start_ + static_cast<std::streamoff>(first));
    if (!in_->read(buffer_.data(), count)) throw_cannot_read(name_);
  }

  std::unique_ptr<std::istream> in_;
  std::streampos start_;
  std::vector<char> buffer_;
  std::vector<Column> layout_;
  Index rows_ = 0, row_bytes_ = 0, next_ = 0;
  bool fortran_ = false;
};

class NpyWriter final : public TableWriter {
 public:
  NpyWriter(const std::string& output, Index dim) : dim_(dim), target_(output), out_(target_.path(), std::ios::binary) {
    if (target_.is_direct())
      throw InputError(output +
                       ": NPY stores the number of rows first and cannot be written to a pipe; use a regular file");
    write_header();
  }
  void append(ConstMatrixRef<double> values, const std::vector<std::string>&) override {
    const Matrix<double> whole = values;  // contiguous
    out_.write(reinterpret_cast<const char*>(whole.data()), whole.size() * 8);
    if (!out_) throw_cannot_write(target_.target());
    rows_ += values.cols();
  }
  void commit() override {
    out_.seekp(0);
    write_header();
    out_.close();
    if (!out_) throw_cannot_write(target_.target());
    target_.commit();
  }

 private:
  // Padded to 128 bytes, so that the number of rows can be filled in at the end.
  void write_header() {
    static_assert(std::endian::native == std::endian::little);
    std::string text = fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}{}), }}", rows_,
                                   dim_ == 1 ? std::string(",") : fmt::format(", {}", dim_));
    text.resize(117, ' ');
    text += '\n';
    out_.write("\x93NUMPY\x01\x00", 8);
    const char length[2] = {static_cast<char>(text.size()), 0};
    out_.write(length, 2);
    out_ << text;
  }

  Index dim_, rows_ = 0;
  ReplaceFile target_;
  std::ofstream out_;
};

}  // namespace

std::unique_ptr<TableReader> open_npy(const std::string& input, const TableOptions& options) {
  require_regular(input);
  auto in = std::make_unique<std::ifstream>(input, std::ios::binary);
  if (!*in || (in->peek(), in->bad())) throw_cannot_read(input);
  return open_npy(input, std::move(in), options);
}
std::unique_ptr<TableReader> open_npy(const std::string& name, std::unique_ptr<std::istream> in,
                                      const TableOptions& options) {
  return std::make_unique<NpyReader>(name, std::move(in), options);
}
std::unique_ptr<TableWriter> create_npy(const std::string& output, Index dim) {
  return std::make_unique<NpyWriter>(output, dim);
}

}  // namespace pathline
