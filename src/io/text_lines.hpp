// The lines of a text file, plain or compressed by gzip.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// Lines end with LF, CR LF or CR. A byte order mark is no part of the first. zlib reads both plain and compressed
// files.
class TextLines {
 public:
  // input: a file or a stream, see io/text_stream.hpp. Throws InputError that begins with `name`.
  TextLines(const std::string& input, std::string name);

  // Reads the next line without its end; false at the end of the file. InputError for a file that cannot be read or
  // decompressed, for UTF-16, for a NUL byte (which no text has) and for a line of more than 16 MiB.
  bool next(std::string& line);

  Index number() const { return number_; }  // of the last line, from 1

 private:
  bool fill();
  void check(const std::string& line) const;

  struct Close {
    void operator()(void* file) const;
  };
  std::unique_ptr<void, Close> file_;  // zlib's gzFile
  std::string name_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  Index number_ = 0;
  bool after_cr_ = false;
};

}  // namespace pathline
