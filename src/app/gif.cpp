#include "app/gif.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include <gif_lib.h>

#include "pathline/core/error.hpp"

namespace pathline::plot {
namespace {

constexpr int kLevels = 32;  // per channel, of the table of nearest colours

[[noreturn]] void fail(int error) {
  const char* const why = GifErrorString(error);
  throw NumericalError(std::string("cannot write the animation: ") + (why ? why : "unknown error of giflib"));
}

int append_bytes(GifFileType* file, const GifByteType* data, int length) {
  try {
    static_cast<std::string*>(file->UserData)
        ->append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(length));
  } catch (const std::bad_alloc&) {  // no exception may pass through giflib, which is C
    return 0;
  }
  return length;
}

std::array<int, 3> channels_of(const Colour& c) {
  return {static_cast<int>(std::lround(255 * c.red)), static_cast<int>(std::lround(255 * c.green)),
          static_cast<int>(std::lround(255 * c.blue))};
}

// The nearest colour of the palette to each of kLevels^3 colours.
std::vector<GifByteType> nearest_colours(const std::vector<Colour>& palette) {
  std::vector<GifByteType> out;
  out.reserve(static_cast<std::size_t>(kLevels) * kLevels * kLevels);
  const auto middle = [](int level) { return level * 255 / (kLevels - 1); };
  for (int r = 0; r < kLevels; ++r)
    for (int g = 0; g < kLevels; ++g)
      for (int b = 0; b < kLevels; ++b) {
        int least = std::numeric_limits<int>::max(), best = 0;
        for (std::size_t k = 0; k < palette.size(); ++k) {
          const auto c = channels_of(palette[k]);
          const int dr = c[0] - middle(r), dg = c[1] - middle(g), db = c[2] - middle(b);
          const int distance = 2 * dr * dr + 4 * dg * dg + 3 * db * db;
          if (distance < least) least = distance, best = static_cast<int>(k);
        }
        out.push_back(static_cast<GifByteType>(best));
      }
  return out;
}

}  // namespace

struct Gif::State {
  std::string bytes;
  GifFileType* file = nullptr;
  int width, height;
  GifByteType transparent;
  std::vector<GifByteType> nearest, last;  // last: the colour numbers of the frame before
};

Gif::Gif(int width, int height, const std::vector<Colour>& palette) : state_(std::make_unique<State>()) {
  auto& s = *state_;
  s.width = width, s.height = height;
  s.transparent = static_cast<GifByteType>(palette.size());
  s.nearest = nearest_colours(palette);
  std::array<GifColorType, 256> colours{};
  for (std::size_t k = 0; k < palette.size(); ++k) {
    const auto c = channels_of(palette[k]);
    colours[k] = {static_cast<GifByteType>(c[0]), static_cast<GifByteType>(c[1]), static_cast<GifByteType>(c[2])};
  }
  int error = 0;
  s.file = EGifOpen(&s.bytes, append_bytes, &error);
  if (!s.file) fail(error);
  EGifSetGifVersion(s.file, true);
  const std::unique_ptr<ColorMapObject, void (*)(ColorMapObject*)> map(GifMakeMapObject(256, colours.data()),
                                                                       GifFreeMapObject);
  if (!map || EGifPutScreenDesc(s.file, width, height, 8, 0, map.get()) == GIF_ERROR) fail(s.file->Error);
  // Netscape's extension: repeat for ever.
  static constexpr char kName[] = "NETSCAPE2.0";
  static constexpr GifByteType kForEver[] = {1, 0, 0};
  if (EGifPutExtensionLeader(s.file, APPLICATION_EXT_FUNC_CODE) == GIF_ERROR ||
      EGifPutExtensionBlock(s.file, 11, kName) == GIF_ERROR ||
      EGifPutExtensionBlock(s.file, 3, kForEver) == GIF_ERROR || EGifPutExtensionTrailer(s.file) == GIF_ERROR)
    fail(s.file->Error);
}

Gif::~Gif() {
  if (state_->file) EGifCloseFile(state_->file, nullptr);
}

void Gif::add(const Pixels& frame, int hundredths) {
  auto& s = *state_;
  std::vector<GifByteType> now;
  now.reserve(frame.rgb.size());
  for (const std::uint32_t c : frame.rgb)
    now.push_back(s.nearest[(c >> 19 & 31) * kLevels * kLevels + (c >> 11 & 31) * kLevels + (c >> 3 & 31)]);
  std::vector<GifByteType> row = now;
  for (std::size_t i = 0; i < s.last.size(); ++i)
    if (now[i] == s.last[i]) row[i] = s.transparent;
  GraphicsControlBlock control{DISPOSE_DO_NOT, false, hundredths,
                               s.last.empty() ? NO_TRANSPARENT_COLOR : s.transparent};
  GifByteType extension[4];
  EGifGCBToExtension(&control, extension);
  if (EGifPutExtension(s.file, GRAPHICS_EXT_FUNC_CODE, 4, extension) == GIF_ERROR ||
      EGifPutImageDesc(s.file, 0, 0, s.width, s.height, false, nullptr) == GIF_ERROR ||
      EGifPutLine(s.file, row.data(), static_cast<int>(row.size())) == GIF_ERROR)
    fail(s.file->Error);
  s.last = std::move(now);
}

std::string Gif::finish() {
  int error = 0;
  GifFileType* const file = state_->file;
  state_->file = nullptr;
  if (EGifCloseFile(file, &error) == GIF_ERROR) fail(error);
  return std::move(state_->bytes);
}

}  // namespace pathline::plot
