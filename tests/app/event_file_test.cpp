#include "app/event_file.hpp"

#include <gmock/gmock.h>

#include "message.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

// A reader of its own, by the formats' specifications; the checksum is computed bit by bit.
const std::string kReader = R"(
import glob, struct
def crc(data):
  c = 0xffffffff
  for byte in data:
    c ^= byte
    for _ in range(8): c = c >> 1 ^ (0x82f63b78 if c & 1 else 0)
  c ^= 0xffffffff
  return ((c >> 15 | c << 17) + 0xa282ead8) & 0xffffffff
def varint(b, at):
  value = shift = 0
  while True:
    value |= (b[at] & 127) << shift; shift += 7; at += 1
    if not b[at - 1] & 128: return value, at
def fields(b):
  at, out = 0, []
  while at < len(b):
    key, at = varint(b, at)
    if key & 7 == 0: value, at = varint(b, at)
    elif key & 7 == 1: value, at = struct.unpack('<d', b[at:at + 8])[0], at + 8
    elif key & 7 == 5: value, at = struct.unpack('<f', b[at:at + 4])[0], at + 4
    else: n, at = varint(b, at); value, at = b[at:at + n], at + n
    out.append((key >> 3, value))
  return out
name, = glob.glob('**/events.out.tfevents.*', recursive=True)
b = open(name, 'rb').read(); at = 0
while at < len(b):
  head = b[at:at + 8]; n, = struct.unpack('<Q', head)
  assert struct.unpack('<I', b[at + 8:at + 12])[0] == crc(head)
  event = b[at + 12:at + 12 + n]
  assert struct.unpack('<I', b[at + 12 + n:at + 16 + n])[0] == crc(event)
  at += 16 + n
  e = fields(event)
  assert 1.5e9 < dict(e)[1] < 1e10
  if 3 in dict(e): print(dict(e)[3].decode())
  if 5 in dict(e):
    for _, value in fields(dict(e)[5]):
      v = dict(fields(value)); print(dict(e).get(2, 0), v[1].decode(), round(v[2], 5))
)";

class EventFiles : public Scratch {};

// RFC 3720, B.4: 32 bytes of zeros, and the bytes 0 to 31.
TEST(Crc32c, IsThatOfTheRfc) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(crc32c(bytes), 0x46dd794eu);
}

TEST_F(EventFiles, AreReadByAnotherProgram) {
  {
    EventFile events(root_.string());
    events.add(0, {{"loss/validation_nll", 3.5}});
    events.add(300, {{"loss/batch", -0.25}, {std::string(200, 'n'), 1e10}});
    EXPECT_FALSE(events.failed());
  }
  EXPECT_EQ(python(kReader), "brain.Event:2\n0 loss/validation_nll 3.5\n300 loss/batch -0.25\n300 " +
                                 std::string(200, 'n') + " 10000000000.0\n");
}

TEST_F(EventFiles, ADirectoryThatIsNotThereIsRefused) {
  EXPECT_THAT(message([&] { EventFile(file("no")); }), HasSubstr("cannot write"));
}

}  // namespace
}  // namespace pathline
