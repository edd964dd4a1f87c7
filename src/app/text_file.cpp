#include "app/text_file.hpp"

#include <filesystem>
#include <fstream>
#include <system_error>

#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {

void write_text_file(const std::string& path, const std::string& text) {
  ReplaceFile file(path);
  {
    std::ofstream out(file.path(), std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (!out) throw_cannot_write(path);
  }
  file.commit();
}

void make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!std::filesystem::is_directory(path))
    throw InputError(path + ": cannot make the directory: " + (error ? error.message() : "it is a file"));
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace pathline
