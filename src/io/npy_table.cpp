// NumPy's format (NEP 1): a magic string, a version, a header as a Python dictionary, then the array.
#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

#include "io/tables.hpp"
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

// IEEE 754's binary16.
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
};

constexpr NumberKind kKinds[] = {
    {"f2", 2, as_double<Half>},          {"f4", 4, as_double<float>},         {"f8", 8, as_double<double>},
    {"i1", 1, as_double<std::int8_t>},   {"i2", 2, as_double<std::int16_t>},  {"i4", 4, as_double<std::int32_t>},
    {"i8", 8, as_double<std::int64_t>},  {"u1", 1, as_double<std::uint8_t>},  {"u2", 2, as_double<std::uint16_t>},
    {"u4", 4, as_double<std::uint32_t>}, {"u8", 8, as_double<std::uint64_t>},
};

// What stands after 'key': in the dictionary, blanks skipped; empty if the key is not there.
std::string_view value_of(std::string_view dictionary, std::string_view key) {
  const auto at = dictionary.find(fmt::format("'{}':", key));
  if (at == dictionary.npos) return {};
  dictionary.remove_prefix(at + key.size() + 3);
  dictionary.remove_prefix(std::min(dictionary.find_first_not_of(' '), dictionary.size()));
  return dictionary;
}

// The text between the two, or nothing.
std::optional<std::string_view> enclosed(std::string_view text, char open, char close) {
  if (!text.starts_with(open)) return std::nullopt;
  const auto end = text.find(close, 1);
  if (end == text.npos) return std::nullopt;
  return text.substr(1, end - 1);
}

class NpyReader final : public TableReader {
 public:
  explicit NpyReader(const std::string& input) : TableReader(input), in_(input, std::ios::binary) {
    if (!in_ || (in_.peek(), in_.bad())) throw_cannot_read(name_);
    parse_header(header());
    start_ = in_.tellg();
    in_.seekg(0, std::ios::end);
    const auto there = static_cast<Index>(in_.tellg() - start_), expected = rows_ * dim_ * kind_->size;
    if (there < expected)
      throw InputError(fmt::format("{}: is cut off: {} bytes of data, expected {}", name_, there, expected));
  }

  std::optional<Index> rows() const override { return rows_; }

  bool read(Matrix<double>& out, Index most) override {
    const Index count = std::min(most, rows_ - next_);
    if (count <= 0) return false;
    out.resize(dim_, count);
    // Along the file: rows of dim_, or, in Fortran's order, a run of each column.
    if (fortran_)
      for (Index j = 0; j < dim_; ++j)
        read_run((j * rows_ + next_), count, [&](Index i) -> double& { return out(j, i); });
    else
      read_run(next_ * dim_, count * dim_, [&](Index i) -> double& { return out(i % dim_, i / dim_); });
    require_finite(name_, out, next_ + 1);
    next_ += count;
    return true;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw InputError(name_ + ": " + what); }

  std::string header() {
    char start[8];
    if (!in_.read(start, 8) || std::memcmp(start, "\x93NUMPY", 6) != 0) refuse("is not an NPY file");
    const int major = start[6];
    if (major < 1 || major > 3) refuse(fmt::format("NPY version {}: expected 1, 2 or 3", major));
    unsigned char length[4] = {};
    in_.read(reinterpret_cast<char*>(length), major == 1 ? 2 : 4);
    const std::size_t n = length[0] | length[1] << 8 | length[2] << 16 | static_cast<std::size_t>(length[3]) << 24;
    if (!in_) refuse("is cut off in its header");
    if (n > (1u << 16)) refuse(fmt::format("has a header of {} bytes; expected 65536 at most", n));
    std::string text(n, ' ');
    if (!in_.read(text.data(), static_cast<std::streamsize>(n))) refuse("is cut off in its header");
    return text;
  }

  void parse_header(std::string_view text) {
    const auto type = enclosed(value_of(text, "descr"), '\'', '\'');
    if (!type) refuse("its header has no simple 'descr'");
    kind_ = std::find_if(std::begin(kKinds), std::end(kKinds),
                         [&](const NumberKind& k) { return type->size() == 3 && type->substr(1) == k.name; });
    if (kind_ == std::end(kKinds))
      refuse(fmt::format("holds '{}'; expected f2, f4, f8, i1 to i8 or u1 to u8", type->substr(0, 40)));
    swap_ = type->front() == '>' && std::endian::native == std::endian::little;
    const auto order = value_of(text, "fortran_order");
    if (!order.starts_with("True") && !order.starts_with("False")) refuse("its header has no 'fortran_order'");
    fortran_ = order.starts_with("True");
    const auto shape = enclosed(value_of(text, "shape"), '(', ')');
    if (!shape) refuse("its header has no 'shape'");
    parse_shape(*shape);
    if (dim_ < 1) refuse("has no columns");
  }

  void parse_shape(std::string_view inside) {
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
    if (shape.empty() || shape.size() > 2) fail();
    rows_ = shape[0], dim_ = shape.size() == 2 ? shape[1] : 1;
    Index bytes = 0;
    if (__builtin_mul_overflow(dim_, kind_->size, &bytes) || __builtin_mul_overflow(bytes, rows_, &bytes)) fail();
  }

  template <class At> void read_run(Index first, Index count, At at) {
    const Index size = kind_->size;
    buffer_.resize(static_cast<std::size_t>(count * size));
    in_.seekg(start_ + static_cast<std::streamoff>(first * size));
    if (!in_.read(buffer_.data(), count * size)) throw_cannot_read(name_);
    for (Index i = 0; i < count; ++i) at(i) = kind_->as_double(buffer_.data() + i * size, swap_);
  }

  const NumberKind* kind_ = nullptr;
  std::ifstream in_;
  std::streampos start_;
  std::vector<char> buffer_;
  Index rows_ = 0, next_ = 0;
  bool swap_ = false, fortran_ = false;
};

class NpyWriter final : public TableWriter {
 public:
  NpyWriter(const std::string& output, Index dim) : dim_(dim), target_(output), out_(target_.path(), std::ios::binary) {
    if (target_.is_direct())
      throw InputError(output + ": NPY says its number of rows first and cannot go into a pipe; expected a file");
    write_header();
  }
  void append(ConstMatrixRef<double> values) override {
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

std::unique_ptr<TableReader> open_npy(const std::string& input) { return std::make_unique<NpyReader>(input); }
std::unique_ptr<TableWriter> create_npy(const std::string& output, Index dim) {
  return std::make_unique<NpyWriter>(output, dim);
}

}  // namespace pathline
