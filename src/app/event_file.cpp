#include "app/event_file.hpp"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>

#include <fmt/format.h>

#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t n = 0; n < 256; ++n) {
    std::uint32_t c = n;
    for (int k = 0; k < 8; ++k) c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
    table[n] = c;
  }
  return table;
}

template <class T> std::string little_endian(T value) {
  std::string out;
  for (std::size_t k = 0; k < sizeof(T); ++k) out += static_cast<char>(value >> 8 * k & 255);
  return out;
}

// The checksum of bytes that contain checksums would be weak; TensorFlow therefore rotates it and adds a constant.
std::string masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return little_endian<std::uint32_t>((crc >> 15 | crc << 17) + 0xa282ead8u);
}

// Protocol buffers, "Encoding": varints, and fields as (number << 3 | wire type).
std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 128; value >>= 7) out += static_cast<char>((value & 127) | 128);
  return out += static_cast<char>(value);
}
std::string bytes_field(std::uint64_t number, const std::string& bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string double_field(std::uint64_t number, double value) {
  return varint(number << 3 | 1) + little_endian(std::bit_cast<std::uint64_t>(value));
}
std::string float_field(std::uint64_t number, float value) {
  return varint(number << 3 | 5) + little_endian(std::bit_cast<std::uint32_t>(value));
}
std::string integer_field(std::uint64_t number, std::int64_t value) {
  return varint(number << 3) + varint(static_cast<std::uint64_t>(value));
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  char host[256] = "host";
  ::gethostname(host, sizeof host - 1);
  return host;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = make_table();
  std::uint32_t crc = 0xffffffffu;
  for (const char byte : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(byte)) & 255] ^ crc >> 8;
  return ~crc;
}

EventFile::EventFile(const std::string& directory)
    : path_(fmt::format("{}/events.out.tfevents.{:010.0f}.{}", directory, wall_time(), host_name())),
      out_(path_, std::ios::binary | std::ios::app) {
  if (!out_) throw_cannot_write(path_);
  write(double_field(1, wall_time()) + bytes_field(3, "brain.Event:2"));
}

void EventFile::add(std::int64_t step, const std::vector<Scalar>& scalars) {
  std::string summary;
  for (const auto& s : scalars)
    summary += bytes_field(1, bytes_field(1, s.tag) + float_field(2, static_cast<float>(s.value)));
  write(double_field(1, wall_time()) + integer_field(2, step) + bytes_field(5, summary));
}

void EventFile::write(const std::string& event) {
  const std::string length = little_endian<std::uint64_t>(event.size());
  out_ << length << masked_crc(length) << event << masked_crc(event) << std::flush;
}

}  // namespace pathline
