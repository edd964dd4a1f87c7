// NumPy's archives: a ZIP file (PKWARE's APPNOTE, sections 4.3 and 4.4) with one NPY file per array, stored or
// deflated.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <sstream>

#include <fmt/format.h>

#include "io/tables.hpp"
#include "io/text_stream.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

struct Member {
  std::string name;
  int method = 0;                                  // 0 stored, 8 deflated
  std::uint64_t packed = 0, size = 0, header = 0;  // in bytes; header: the start of the local header
};

class Archive {
 public:
  explicit Archive(const std::string& file) : name_(file), in_(file, std::ios::binary) {
    if (!in_ || (in_.peek(), in_.bad())) throw_cannot_read(file);
    in_.seekg(0, std::ios::end);
    bytes_ = static_cast<std::uint64_t>(in_.tellg());
    read_directory();
  }

  const std::vector<Member>& members() const { return members_; }

  // Returns the bytes of a member. Throws InputError if there are more or fewer of them than the directory says.
  std::string extract(const Member& m) {
    const std::string local = bytes(m.header, 30);
    if (number(local, 0, 4) != 0x04034b50) damaged();
    const std::uint64_t begin = m.header + 30 + number(local, 26, 2) + number(local, 28, 2);
    std::string packed = bytes(begin, m.packed);
    if (m.method == 0) return packed;
    if (m.method != 8)
      throw InputError(fmt::format("{}: {}: compression method {}: expected 0 or 8", name_, m.name, m.method));
    return inflate_all(packed, m);
  }

 private:
  [[noreturn]] void damaged() const { throw InputError(name_ + ": not a NumPy archive (.npz), or damaged"); }

  std::string bytes(std::uint64_t begin, std::uint64_t count) {
    if (begin > bytes_ || count > bytes_ - begin) damaged();
    std::string out(count, '\0');
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(begin));
    if (!in_.read(out.data(), static_cast<std::streamsize>(count))) throw_cannot_read(name_);
    return out;
  }

  std::uint64_t number(const std::string& text, std::size_t at, std::size_t size) const {  // little endian
    if (at + size > text.size()) damaged();
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(text[at + i]);
    return value;
  }

  void read_directory() {
    const std::uint64_t tail = std::min<std::uint64_t>(bytes_, 65557);
    const std::string end = bytes(bytes_ - tail, tail);
    const auto at = end.rfind(std::string("PK\x05\x06", 4));
    if (at == std::string::npos) damaged();
    std::uint64_t count = number(end, at + 10, 2), size = number(end, at + 12, 4), begin = number(end, at + 16, 4);
    if (begin == 0xFFFFFFFF) {  // ZIP64 has a locator before the end record
      if (at < 20 || end.compare(at - 20, 4, std::string("PK\x06\x07", 4)) != 0) damaged();
      const std::string wide = bytes(number(end, at - 12, 8), 56);
      count = number(wide, 32, 8), size = number(wide, 40, 8), begin = number(wide, 48, 8);
    }
    const std::string directory = bytes(begin, size);
    for (std::size_t p = 0; p + 46 <= directory.size() && members_.size() < count;) {
      if (number(directory, p, 4) != 0x02014b50) damaged();
      Member m{.name = {},
               .method = static_cast<int>(number(directory, p + 10, 2)),
               .packed = number(directory, p + 20, 4),
               .size = number(directory, p + 24, 4),
               .header = number(directory, p + 42, 4)};
      const std::size_t name = number(directory, p + 28, 2), extra = number(directory, p + 30, 2);
      if (p + 46 + name + extra > directory.size()) damaged();
      m.name = directory.substr(p + 46, name);
      widen(m, directory.substr(p + 46 + name, extra));
      if (m.name.ends_with(".npy")) m.name.resize(m.name.size() - 4);
      members_.push_back(std::move(m));
      p += 46 + name + extra + number(directory, p + 32, 2);
    }
  }

  // The extra field of ZIP64 holds those of the three numbers that did not fit.
  void widen(Member& m, const std::string& extra) const {
    for (std::size_t p = 0; p + 4 <= extra.size(); p += 4 + number(extra, p + 2, 2)) {
      if (number(extra, p, 2) != 1) continue;
      std::size_t at = p + 4;
      for (auto* value : {&m.size, &m.packed, &m.header})
        if (*value == 0xFFFFFFFF) *value = number(extra, at, 8), at += 8;
    }
  }

  std::string inflate_all(const std::string& packed, const Member& m) const {
    if (m.size > 1100 * (m.packed + 64)) damaged();  // deflate cannot compress more than this
    std::string out(m.size, '\0');
    z_stream z{};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) damaged();
    const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&z, inflateEnd);
    std::size_t in = 0, done = 0;
    int status = Z_OK;
    while (status == Z_OK) {
      const auto take = [](std::size_t n) { return static_cast<uInt>(std::min<std::size_t>(n, 1u << 30)); };
      z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + in));
      z.next_out = reinterpret_cast<Bytef*>(out.data() + done);
      const uInt given = take(packed.size() - in), room = take(out.size() - done);
      z.avail_in = given, z.avail_out = room;
      status = inflate(&z, Z_NO_FLUSH);
      if (given == z.avail_in && room == z.avail_out && status == Z_OK) break;
      in += given - z.avail_in, done += room - z.avail_out;
    }
    if (status != Z_STREAM_END || done != out.size()) damaged();
    return out;
  }

  std::string name_;
  std::ifstream in_;
  std::uint64_t bytes_ = 0;
  std::vector<Member> members_;
};

}  // namespace

std::unique_ptr<TableReader> open_npz(const std::string& input, const TableOptions& options) {
  auto [file, array] = split_hdf5_name(input);
  require_regular(file);
  Archive archive(file);
  std::vector<std::string> names;
  for (const auto& m : archive.members()) names.push_back(m.name);
  if (array.empty()) {
    if (names.size() != 1)
      throw InputError(fmt::format("{}: contains {} arrays; expected FILE:array with one of: {}", file, names.size(),
                                   fmt::join(names, ", ")));
    array = names[0];
  }
  for (const auto& m : archive.members())
    if (m.name == array)
      return open_npy(file + ":" + array, std::make_unique<std::istringstream>(archive.extract(m)), options);
  throw InputError(fmt::format("{}: no array '{}'; the archive contains: {}", file, array, fmt::join(names, ", ")));
}

}  // namespace pathline
