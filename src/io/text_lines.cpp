#include "io/text_lines.hpp"

#include <zlib.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "io/foreign_format.hpp"
#include "io/text_stream.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

constexpr std::size_t kLongestLine = std::size_t{1} << 24;

template <class Close> gzFile handle(const std::unique_ptr<void, Close>& file) {
  return static_cast<gzFile>(file.get());
}

}  // namespace

void TextLines::Close::operator()(void* file) const { gzclose(static_cast<gzFile>(file)); }

TextLines::TextLines(const std::string& input, std::string name) : name_(std::move(name)), buffer_(1 << 16) {
  struct stat status;
  if (!is_standard_input(input) && ::stat(input.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    throw_cannot_read(name_);
  }
  const int file = open_when_ready(input);
  if (file < 0) throw_cannot_read(name_);
  file_.reset(gzdopen(file, "rb"));
  if (!file_) {
    ::close(file);
    throw_cannot_read(name_);
  }
}

bool TextLines::fill() {
  errno = 0;
  const int n = gzread(handle(file_), buffer_.data(), static_cast<unsigned>(buffer_.size()));
  int error = Z_OK;
  const char* what = gzerror(handle(file_), &error);
  if (n < 0 || (n == 0 && error != Z_OK && error != Z_STREAM_END)) {
    if (error == Z_ERRNO) throw_cannot_read(name_);
    throw InputError(fmt::format("{}: cannot decompress: {}", name_, what));
  }
  begin_ = 0, end_ = static_cast<std::size_t>(n);
  return n > 0;
}

bool TextLines::next(std::string& line) {
  line.clear();
  bool any = false;
  while (begin_ < end_ || fill()) {
    if (after_cr_ && buffer_[begin_] == '\n') {  // the second half of CR LF
      ++begin_, after_cr_ = false;
      continue;
    }
    after_cr_ = false, any = true;
    const auto first = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
    const auto last = buffer_.begin() + static_cast<std::ptrdiff_t>(end_);
    const auto found = std::find_if(first, last, [](char c) { return c == '\n' || c == '\r'; });
    line.append(first, found);
    begin_ += static_cast<std::size_t>(found - first);
    if (line.size() > kLongestLine)
      throw InputError(
          fmt::format("{}: line {} has more than {} bytes: not a table", name_, number_ + 1, kLongestLine));
    if (found == last) continue;
    after_cr_ = *found == '\r';
    ++begin_;
    break;
  }
  if (!any) return false;
  ++number_;
  if (number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // the byte order mark of UTF-8
  check(line);
  return true;
}

void TextLines::check(const std::string& line) const {
  if (number_ == 1 && (line.starts_with("\xFF\xFE") || line.starts_with("\xFE\xFF")))
    throw InputError(name_ + ": the text is UTF-16; convert it with: iconv -f UTF-16 -t UTF-8");
  if (line.find('\0') == std::string::npos) return;
  if (const auto format = number_ == 1 ? foreign_format(line) : ""; !format.empty())
    throw InputError(fmt::format("{}: is {}", name_, format));
  throw InputError(fmt::format("{}: line {} contains a NUL byte: not a text file", name_, number_));
}

}  // namespace pathline
