// NumPy's format (NEP 1): a magic string, a version, a header as a Python dictionary, then the array.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <regex>

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

class NpyReader final : public TableReader {
 public:
  explicit NpyReader(const std::string& input) : name_(input), in_(input, std::ios::binary) {
    if (!in_ || (in_.peek(), in_.bad())) throw_cannot_read(name_);
    parse_header(header());
    start_ = in_.tellg();
    in_.seekg(0, std::ios::end);
    const auto there = static_cast<Index>(in_.tellg() - start_), expected = rows_ * dim_ * size_;
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
      for (Index j = 0; j < dim_; ++j) read_run((j * rows_ + next_), count, [&](Index i) -> double& { return out(j, i); });
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
    if (!in_ || n > (1u << 20)) refuse("is cut off in its header");
    std::string text(n, ' ');
    if (!in_.read(text.data(), static_cast<std::streamsize>(n))) refuse("is cut off in its header");
    return text;
  }

  void parse_header(const std::string& text) {
    std::smatch m;
    if (!std::regex_search(text, m, std::regex("'descr': *'([^']*)'"))) refuse("its header has no simple 'descr'");
    const std::string type = m[1];
    const std::string kind = type.size() > 1 ? type.substr(1) : "";
    if (kind != "f4" && kind != "f8" && kind != "i4" && kind != "i8")
      refuse("holds '" + type + "'; expected f4, f8, i4 or i8");
    kind_ = kind, size_ = kind[1] - '0';
    swap_ = type[0] == '>' ? std::endian::native == std::endian::little : false;
    if (!std::regex_search(text, m, std::regex("'fortran_order': *(True|False)"))) refuse("its header has no 'fortran_order'");
    fortran_ = m[1] == "True";
    if (!std::regex_search(text, m, std::regex("'shape': *\\(([^)]*)\\)"))) refuse("its header has no 'shape'");
    const std::string inside = m[1];
    std::vector<Index> shape;
    const std::regex digits("[0-9]+");
    for (std::sregex_iterator i(inside.begin(), inside.end(), digits), end; i != end; ++i) shape.push_back(std::stoll(i->str()));
    if (shape.empty() || shape.size() > 2) refuse(fmt::format("shape ({}): expected (N, d) or (N)", inside));
    rows_ = shape[0], dim_ = shape.size() == 2 ? shape[1] : 1;
    if (dim_ < 1) refuse("has no columns");
  }

  template <class At> void read_run(Index first, Index count, At at) {
    buffer_.resize(static_cast<std::size_t>(count * size_));
    in_.seekg(start_ + static_cast<std::streamoff>(first * size_));
    if (!in_.read(buffer_.data(), count * size_)) throw_cannot_read(name_);
    for (Index i = 0; i < count; ++i) {
      const char* p = buffer_.data() + i * size_;
      at(i) = kind_ == "f4"   ? as_double<float>(p, swap_)
              : kind_ == "f8" ? as_double<double>(p, swap_)
              : kind_ == "i4" ? as_double<std::int32_t>(p, swap_)
                              : as_double<std::int64_t>(p, swap_);
    }
  }

  std::string name_, kind_;
  std::ifstream in_;
  std::streampos start_;
  std::vector<char> buffer_;
  Index rows_ = 0, size_ = 8, next_ = 0;
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
