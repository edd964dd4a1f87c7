#include "app/completion.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace pathline {
namespace {

// A command with the words that lead to it: "dynamics fit"; "" for the program itself.
struct WordPlace {
  std::string path;
  const CommandText* command;
};

void add_places(const CommandText& command, const std::string& path, std::vector<WordPlace>& out) {
  out.push_back({path, &command});
  for (const auto& below : command.commands)
    add_places(below, path.empty() ? below.name : path + " " + below.name, out);
}

std::vector<WordPlace> places_of(const CommandText& program) {
  std::vector<WordPlace> out;
  add_places(program, "", out);
  return out;
}

std::string names_of(const std::vector<CommandText>& commands) {
  std::vector<std::string> names;
  for (const auto& command : commands) names.push_back(command.name);
  return fmt::format("{}", fmt::join(names, " "));
}

std::string options_of(const CommandText& command) {
  std::vector<std::string> names;
  for (const auto& option : command.options)
    if (!option.by_place) names.insert(names.end(), option.names.begin(), option.names.end());
  return fmt::format("{}", fmt::join(names, " "));
}

bool is_number(const OptionText& option) {
  return option.value.starts_with("INT") || option.value.starts_with("UINT") || option.value.starts_with("FLOAT");
}

// For bash: the completions after an option such as "train --stepper": its values, or nothing if it takes a number.
std::string value_cases(const WordPlace& place) {
  std::string out;
  for (const auto& option : place.command->options) {
    if (option.by_place || option.value.empty() || (option.choices.empty() && !is_number(option))) continue;
    std::vector<std::string> patterns;
    for (const auto& name : option.names) patterns.push_back(fmt::format("\"{} {}\"", place.path, name));
    out += fmt::format("    {}) values=\"{}\" ;;\n", fmt::join(patterns, "|"),
                       option.choices.empty() ? "-" : fmt::format("{}", fmt::join(option.choices, " ")));
  }
  return out;
}

// For bash: the options whose next word is a value, which may be a file.
std::string valued_cases(const WordPlace& place) {
  std::vector<std::string> patterns;
  for (const auto& option : place.command->options)
    if (!option.by_place && !option.value.empty())
      for (const auto& name : option.names) patterns.push_back(fmt::format("\"{} {}\"", place.path, name));
  return patterns.empty() ? "" : fmt::format("    {}) return 0 ;;\n", fmt::join(patterns, "|"));
}

// Quotes for zsh, inside of '...' and of _arguments' brackets.
std::string quoted(const std::string& text, const std::string& special) {
  std::string out;
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (special.find(c) != std::string::npos)
      out += std::string("\\") + c;
    else
      out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string zsh_value(const OptionText& option) {
  if (option.value.empty()) return "";
  const std::string name = quoted(option.names.back().substr(option.names.back().find_first_not_of('-')), ":[]\\");
  if (!option.choices.empty()) return fmt::format(":{}:({})", name, fmt::join(option.choices, " "));
  return fmt::format(":{}:{}", name, is_number(option) ? "" : "_files");
}

std::string zsh_arguments(const CommandText& command) {
  std::string out = "_arguments -s";
  bool by_place = false;
  for (const auto& option : command.options) {
    if (option.by_place) {
      by_place = true;
      continue;
    }
    const std::string repeated = option.several ? "*" : "";
    for (const auto& name : option.names)
      out += fmt::format(" \\\n        '{}{}[{}]{}'", repeated, name, quoted(option.help, "[]\\:"), zsh_value(option));
  }
  return out + (by_place ? " \\\n        '*:file:_files'" : "");
}

std::string function_name(const std::string& program, const std::string& path) {
  std::string out = "_" + program + (path.empty() ? "" : "_" + path);
  std::replace(out.begin(), out.end(), ' ', '_'), std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

// A function that chooses a command, or one that completes the options of a command.
std::string zsh_function(const std::string& program, const WordPlace& place) {
  const std::string name = function_name(program, place.path);
  if (place.command->commands.empty())
    return fmt::format("{}() {{\n    {}\n}}\n\n", name, zsh_arguments(*place.command));
  std::string list, cases;
  for (const auto& below : place.command->commands) {
    list += fmt::format("        '{}:{}'\n", below.name, quoted(below.description, ":\\"));
    cases += fmt::format("            {}) {} ;;\n", below.name,
                         function_name(program, place.path.empty() ? below.name : place.path + " " + below.name));
  }
  return fmt::format(
      "{}() {{\n"
      "    local context state line\n"
      "    typeset -A opt_args\n"
      "    local -a commands\n"
      "    commands=(\n{}    )\n"
      "    {} \\\n        '1:command:->command' \\\n        '*::argument:->argument' && return 0\n"
      "    case $state in\n"
      "        command) _describe command commands ;;\n"
      "        argument) case $line[1] in\n{}        esac ;;\n"
      "    esac\n"
      "}}\n\n",
      name, list, zsh_arguments(*place.command) + " -C", cases);
}

}  // namespace

std::string bash_completion(const CommandText& program) {
  const auto places = places_of(program);
  std::string paths, words, values, valued;
  for (const auto& place : places) {
    if (!place.path.empty()) paths += fmt::format("{}\"{}\"", paths.empty() ? "" : "|", place.path);
    words += fmt::format("    \"{}\") commands=\"{}\"; options=\"{}\" ;;\n", place.path,
                         names_of(place.command->commands), options_of(*place.command));
    values += value_cases(place), valued += valued_cases(place);
  }
  return fmt::format(R"(# Completion of {0} for bash; made by `{0} completion bash`.
_{0}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} path="" word next
  local commands="" options="" values=""
  COMPREPLY=()
  if [[ $current == "=" ]]; then  # bash breaks --option=value into three words
    current=""
  elif [[ $previous == "=" ]] && ((COMP_CWORD > 2)); then
    previous=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD - 1}}"; do
    next=${{path:+$path }}$word
    case $next in
    {1}) path=$next ;;
    esac
  done
  case "$path $previous" in
{2}  esac
  if [[ $values == "-" ]]; then
    compopt +o default 2>/dev/null
    return 0
  elif [[ -n $values ]]; then
    COMPREPLY=($(compgen -W "$values" -- "$current"))
    return 0
  fi
  case "$path $previous" in
{3}  esac
  case $path in
{4}  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -n $commands ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$current"))
  fi
  return 0
}}
complete -o default -F _{0} {0}
)",
                     program.name, paths, values, valued, words);
}

std::string zsh_completion(const CommandText& program) {
  std::string out =
      fmt::format("#compdef {0}\n# Completion of {0} for zsh; made by `{0} completion zsh`.\n\n", program.name);
  for (const auto& place : places_of(program)) out += zsh_function(program.name, place);
  return out + fmt::format("_{} \"$@\"\n", program.name);
}

}  // namespace pathline
