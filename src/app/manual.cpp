#include "app/manual.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace pathline {
namespace {

// Text of man(7): backslashes and hyphens are escaped, and a line does not begin with a control character.
std::string escaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c == '.' || c == '\'') && (i == 0 || text[i - 1] == '\n')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string hyphened(std::string text) {
  std::replace(text.begin(), text.end(), ' ', '-');
  return text;
}

std::string option_entry(const OptionText& option) {
  std::vector<std::string> names;
  for (const auto& name : option.names) names.push_back("\\fB" + escaped(name) + "\\fR");
  std::string help = option.help, value = option.value;
  if (option.several) value += " ...";
  if (!option.default_value.empty()) help += "; default: " + option.default_value;
  return fmt::format(".TP\n{}{}\n{}\n", fmt::join(names, ", "),
                     value.empty() ? "" : " \\fI" + escaped(value) + "\\fR", escaped(help));
}

// "pathline train [OPTIONS] [SOURCE]"
std::string synopsis(const CommandText& command, const std::string& path) {
  std::string out = ".B " + escaped(path) + "\n[\\fIOPTIONS\\fR]";
  for (const auto& option : command.options)
    if (option.by_place)
      out +=
          option.required ? " \\fI" + escaped(option.names[0]) + "\\fR" : " [\\fI" + escaped(option.names[0]) + "\\fR]";
  if (!command.commands.empty()) out += " \\fICOMMAND\\fR";
  return out + "\n";
}

std::string entries(const CommandText& command, bool by_place) {
  std::string out;
  for (const auto& option : command.options)
    if (option.by_place == by_place) out += option_entry(option);
  return out;
}

// The footer: a block of examples keeps its lines.
std::string footer_section(const std::string& footer) {
  if (footer.empty()) return "";
  return fmt::format(".SH NOTES\n.nf\n{}\n.fi\n", escaped(footer));
}

ManualPage page_of(const CommandText& command, const std::string& path, const std::string& version) {
  const std::string name = hyphened(path);
  std::string text =
      fmt::format(".TH {} 1 \"\" \"pathline {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n{}",
                  escaped(upper(name)), version, escaped(name), escaped(command.description), synopsis(command, path));
  if (const auto arguments = entries(command, true); !arguments.empty()) text += ".SH ARGUMENTS\n" + arguments;
  text += ".SH OPTIONS\n" + entries(command, false);
  if (!command.commands.empty()) {
    text += ".SH COMMANDS\n";
    for (const auto& below : command.commands)
      text +=
          fmt::format(".TP\n.BR {} (1)\n{}\n", escaped(hyphened(path + " " + below.name)), escaped(below.description));
  }
  text += footer_section(command.footer);
  const auto program = path.substr(0, path.find(' '));
  if (program != path) text += fmt::format(".SH SEE ALSO\n.BR {} (1)\n", program);
  return {name, text};
}

void add_pages(const CommandText& command, const std::string& path, const std::string& version,
               std::vector<ManualPage>& out) {
  out.push_back(page_of(command, path, version));
  for (const auto& below : command.commands) add_pages(below, path + " " + below.name, version, out);
}

}  // namespace

std::vector<ManualPage> manual_pages(const CommandText& program, const std::string& version) {
  std::vector<ManualPage> out;
  add_pages(program, program.name, version, out);
  return out;
}

}  // namespace pathline
