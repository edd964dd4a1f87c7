#include "io/seal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <vector>

#include "core/hash.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

using Block = std::array<char, kSealBytes>;
using Stream = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

constexpr char kMagic[] = "pathline sealed HDF5\n";
constexpr std::size_t kMagicBytes = sizeof kMagic - 1;

// Computes the seal of the bytes from the position of the stream to its end, as text that `head -c 512` shows. If
// reading fails, errno says why.
Block seal_of_rest(std::FILE* in) {
  Hash hash;
  std::uint64_t bytes = 0;
  std::vector<char> part(1 << 16);
  errno = 0;
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), in)) hash.add(part.data(), n), bytes += n;
  Block block{};
  std::snprintf(block.data(), block.size(), "%sbytes after this block: %" PRIu64 "\nFNV-1a of them: %016" PRIx64 "\n",
                kMagic, bytes, hash.value());
  return block;
}

// A damaged seal must not look like no seal, so half of its first bytes are enough to recognize it.
bool looks_sealed(const Block& block) {
  const auto same = [&, i = 0u](char c) mutable { return c == kMagic[i++]; };
  return 2 * std::count_if(block.begin(), block.begin() + kMagicBytes, same) >= static_cast<long>(kMagicBytes);
}

std::string number_of(const Block& block) {
  const std::string text(block.data(), strnlen(block.data(), block.size()));
  const auto at = text.find("them: ");
  return at == std::string::npos ? "illegible" : text.substr(at + 6, 16);
}

}  // namespace

void write_seal(const std::string& path, const std::string& name) {
  Stream file(std::fopen(path.c_str(), "r+b"), std::fclose);
  if (!file || std::fseek(file.get(), kSealBytes, SEEK_SET) != 0) throw_cannot_write(name);
  const Block block = seal_of_rest(file.get());
  if (std::ferror(file.get()) || std::fseek(file.get(), 0, SEEK_SET) != 0 ||
      std::fwrite(block.data(), 1, block.size(), file.get()) != block.size() || std::fclose(file.release()) != 0)
    throw_cannot_write(name);
}

bool check_seal(const std::string& file) {
  const Stream in(std::fopen(file.c_str(), "rb"), std::fclose);
  if (!in) throw_cannot_read(file);
  Block found{};
  if (std::fread(found.data(), 1, found.size(), in.get()) < kMagicBytes || !looks_sealed(found)) return false;
  const Block expected = seal_of_rest(in.get());
  if (std::ferror(in.get())) throw_cannot_read(file);
  if (found != expected)
    throw InputError(file + ": damaged: the checksum of its bytes is " + number_of(expected) + ", expected " +
                     number_of(found) + "; the file was changed or cut off after it was written");
  return true;
}

}  // namespace pathline
