#include "io/csv_line.hpp"
#include "core/lower_case.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstdlib>

namespace pathline {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool separates(char c, char separator) { return c == separator || (separator == ' ' && c == '\t'); }

// The position after the quoted text at the start; npos if the quotes do not close.
std::size_t end_of_quotes(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '"') continue;
    if (i + 1 == text.size() || text[i + 1] != '"') return i + 1;
    ++i;  // a doubled quote stands for one quote
  }
  return std::string_view::npos;
}

bool is_all_numbers(std::string_view line, char separator, bool decimal_comma) {
  std::vector<Cell> cells;
  double unused;
  return split_cells(line, separator, cells) && std::all_of(cells.begin(), cells.end(), [&](const Cell& cell) {
           return parse_number(cell.text, unused, decimal_comma);
         });
}

bool parse_plain(std::string_view cell, double& value) {
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (end != cell.data() + cell.size()) return false;
  if (error == std::errc::result_out_of_range)
    value = std::strtod(std::string(cell).c_str(), nullptr);  // is infinite or nearly 0
  return error != std::errc::invalid_argument;
}

}  // namespace

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r')) s.remove_suffix(1);
  return s;
}

bool parse_number(std::string_view cell, double& value, bool decimal_comma) {
  if (cell.size() > 1 && cell.front() == '+' && cell[1] != '-') cell.remove_prefix(1);
  if (cell.empty()) return false;
  if (parse_plain(cell, value)) return true;
  // The remaining cases are rare: a decimal comma, or the D of Fortran.
  std::string text(cell);
  if (decimal_comma && std::count(text.begin(), text.end(), ',') == 1 && text.find('.') == std::string::npos)
    std::replace(text.begin(), text.end(), ',', '.');
  // Fortran writes a decimal point, or a sign after the D: "12D3" is a name.
  const auto d = text.find_first_of("dD");
  if (d != std::string::npos && d > 0 && (is_digit(text[d - 1]) || text[d - 1] == '.') &&
      (text.find('.') < d || text.find_first_of("+-", d) == d + 1))
    text[d] = 'e';
  // An exponent of three digits takes the place of its letter. Fortran always writes the decimal point, without which
  // "2023-045" is a date and "100-200" a range.
  if (const auto size = text.size(); size > 4 && (text[size - 4] == '-' || text[size - 4] == '+') &&
                                     (is_digit(text[size - 5]) || text[size - 5] == '.') && text.find('.') < size - 4 &&
                                     std::all_of(text.end() - 3, text.end(), is_digit))
    text.insert(size - 4, 1, 'e');
  return text != cell && parse_plain(text, value);
}

bool has_thousands_separators(std::string_view cell) {
  if (!cell.empty() && (cell.front() == '-' || cell.front() == '+')) cell.remove_prefix(1);
  const auto digits = [&] {
    const auto end = std::min(cell.find_first_not_of("0123456789"), cell.size());
    cell.remove_prefix(end);
    return end;
  };
  if (const auto first = digits(); first < 1 || first > 3) return false;
  std::string_view separator;
  for (const std::string_view known : {",", ".", " ", "'", "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x99"})
    if (cell.starts_with(known)) separator = known;
  if (separator.empty()) return false;
  while (cell.starts_with(separator)) {
    cell.remove_prefix(separator.size());
    if (digits() != 3) return false;
  }
  if (cell.empty()) return true;
  if (cell.front() != '.' && cell.front() != ',') return false;
  cell.remove_prefix(1);
  digits();
  return cell.empty();
}

bool is_inexact_integer(std::string_view cell) {
  if (cell.size() < 16) return false;  // is below 10^15 < 2^53
  if (cell.front() == '+' || cell.front() == '-') cell.remove_prefix(1);
  std::uint64_t integer = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), integer);
  if (end != cell.data() + cell.size()) return false;  // not an integer
  if (error == std::errc::result_out_of_range) return true;
  const double rounded = static_cast<double>(integer);
  return rounded >= 0x1p64 || static_cast<std::uint64_t>(rounded) != integer;
}

bool is_missing(std::string_view cell) {
  const std::string text = lower_case(std::string(cell));
  constexpr std::string_view kWords[] = {"",        "na",      "n/a",   "nan",   "-nan",   "null",  "none",
                                         "<na>",    "?",       "-",     "--",    ".",      "#n/a",  "#na",
                                         "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!"};
  return std::find(std::begin(kWords), std::end(kWords), text) != std::end(kWords);
}

bool is_error_of_excel(std::string_view cell) {
  return cell.starts_with('#') && cell.find_first_of("/!?") != std::string_view::npos && is_missing(cell) &&
         std::none_of(cell.begin(), cell.end(), [](unsigned char c) { return std::islower(c); });
}

bool split_cells(std::string_view line, char separator, std::vector<Cell>& cells) {
  cells.clear();
  while (true) {
    while (!line.empty() && (line.front() == ' ' || (line.front() == '\t' && separator != '\t'))) line.remove_prefix(1);
    std::size_t end = 0;
    if (line.starts_with('"') && (end = end_of_quotes(line)) == std::string_view::npos) return false;
    const std::size_t closed = end;
    while (end < line.size() && !separates(line[end], separator)) ++end;
    const auto text = trimmed(line.substr(0, end));
    const bool quoted = closed > 0 && closed == text.size();
    cells.push_back({quoted ? text.substr(1, text.size() - 2) : text, quoted});
    if (end == line.size()) return true;
    line.remove_prefix(end + 1);
  }
}

char find_separator(std::string_view line) {
  bool comma = false, semicolon = false, tab = false;
  bool begins = true;  // whether a cell begins here
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (begins && line[i] == '"')
      i = std::min(end_of_quotes(line.substr(i)), line.size() - i) + i - 1;
    else if (line[i] == ',')
      comma = true;
    else if (line[i] == ';')
      semicolon = true;
    else if (line[i] == '\t')
      tab = true;
    begins = line[i] == ' ' || line[i] == ',' || line[i] == ';' || line[i] == '\t';
  }
  if (semicolon && comma && is_all_numbers(line, ';', true)) return ';';
  if (tab && comma && is_all_numbers(line, '\t', true)) return '\t';
  if (comma) return ',';
  if (semicolon) return ';';
  // MontePython mixes blanks and tabs. Both separate if the cells are numbers only then.
  if (tab && !is_all_numbers(line, '\t', false) && is_all_numbers(line, ' ', false)) return ' ';
  return tab ? '\t' : ' ';
}

std::string name_of(const Cell& cell) {
  auto text = cell.text;
  if (!cell.quoted && text.size() >= 2 && text.front() == '\'' && text.back() == '\'')
    text = text.substr(1, text.size() - 2);
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (cell.quoted && text.substr(i, 2) == "\"\"") ++i;  // a doubled quote stands for one quote
    name += text[i];
  }
  return name;
}

std::string quoted_if_needed(const std::string& name) {
  double unused;
  if (name.find_first_of(",;\t \"'#%") == std::string::npos && !parse_number(name, unused)) return name;
  std::string text = "\"";
  for (const char c : name) text.append(c == '"' ? 2 : 1, c);
  return text + '"';
}

}  // namespace pathline
