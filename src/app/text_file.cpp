#include "app/text_file.hpp"

#include <filesystem>
#include <system_error>

#include "pathline/core/error.hpp"

namespace pathline {

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
