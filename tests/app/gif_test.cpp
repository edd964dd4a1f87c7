#include "app/gif.hpp"

#include <gmock/gmock.h>

#include "scratch.hpp"

namespace pathline::plot {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A decoder of its own, by the specification GIF89a: prints size, delays, repeats and the colours of pixel (1, 0) in
// each frame as it is shown.
const std::string kDecoder = R"(
b = open('a.gif', 'rb').read()
assert b[:6] == b'GIF89a'
w, h, flags = b[6] | b[7] << 8, b[8] | b[9] << 8, b[10]
n = 2 << (flags & 7); table = b[13:13 + 3 * n]; at = 13 + 3 * n
screen = [None] * (w * h); delay = 0; clear = None; out = []
def blocks(at):
  data = b''
  while b[at]: data += b[at + 1:at + 1 + b[at]]; at += 1 + b[at]
  return data, at + 1
while b[at] != 0x3b:
  if b[at] == 0x21:
    kind = b[at + 1]; data, at = blocks(at + 2)
    if kind == 0xf9: delay = data[1] | data[2] << 8; clear = data[3] if data[0] & 1 else None
    if kind == 0xff: out.append('repeats ' + str(data[-2] | data[-1] << 8))
    continue
  assert b[at] == 0x2c and b[at + 9] == 0
  size = b[at + 10]; data, at = blocks(at + 11)
  bits = int.from_bytes(data, 'little'); width = size + 1; stop = (1 << size) + 1
  codes = {i: bytes([i]) for i in range(1 << size)}; next_code = stop + 1; last = None; pixels = b''; done = 0
  while True:
    code = bits >> done & ((1 << width) - 1); done += width
    if code == stop: break
    if code == stop - 1: codes = {i: bytes([i]) for i in range(1 << size)}; next_code = stop + 1; width = size + 1; last = None; continue
    text = codes.get(code, last + last[:1] if last else None)
    pixels += text
    if last is not None and next_code < 4096: codes[next_code] = last + text[:1]; next_code += 1
    if next_code == 1 << width and width < 12: width += 1
    last = text
  assert len(pixels) == w * h
  screen = [s if p == clear else p for s, p in zip(screen, pixels)]
  out.append('%d ms %s' % (10 * delay, tuple(table[3 * screen[1]:3 * screen[1] + 3])))
print(w, h, *out, sep='; ')
)";

class Gifs : public Scratch {};

TEST_F(Gifs, FramesAreWhatWasDrawn) {
  const std::vector<Colour> palette{{1, 1, 1}, {0, 0, 0}, {1, 0, 0}};
  Gif gif(3, 2, palette);
  Pixels frame{3, 2, {0xffffff, 0x000000, 0xfa0a05, 0xffffff, 0xffffff, 0xffffff}};
  gif.add(frame, 3);
  gif.add(frame, 3);  // every pixel is as before
  frame.rgb[1] = 0xff0000;
  gif.add(frame, 80);
  put("a.gif", gif.finish());
  EXPECT_EQ(python(kDecoder), "3; 2; repeats 0; 30 ms (0, 0, 0); 30 ms (0, 0, 0); 800 ms (255, 0, 0)\n");
}

TEST_F(Gifs, ManyColoursAndALargeFrameAreDecodedAgain) {
  std::vector<Colour> palette;
  for (int k = 0; k < 200; ++k) palette.push_back({k / 199.0, 1 - k / 199.0, 0.5});
  Gif gif(97, 61, palette);
  Pixels frame{97, 61, std::vector<std::uint32_t>(97 * 61)};
  for (std::size_t i = 0; i < frame.rgb.size(); ++i)
    frame.rgb[i] = static_cast<std::uint32_t>((i * 7919) % 256) << 16 |
                   static_cast<std::uint32_t>(255 - (i * 7919) % 256) << 8 | 128;
  gif.add(frame, 3);
  put("a.gif", gif.finish());
  EXPECT_THAT(python(kDecoder), StartsWith("97; 61; repeats 0; 30 ms"));
}

}  // namespace
}  // namespace pathline::plot
