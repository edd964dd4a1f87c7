// The command line as the commands see it: names, options and their help. CLI11 parses it; that library is inline and
// virtual, so a file that includes it compiles all of it, and command_line.cpp is the only one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace pathline {

// An option that was added to a command: a handle, valid as long as the command line.
class CommandOption {
 public:
  explicit CommandOption(CLI::Option* option) : option_(option) {}

  CommandOption required() const;
  CommandOption show_default() const;                         // the value of the variable at this moment, in the help
  CommandOption show_default(const std::string& text) const;  // this text instead
  CommandOption type_name(const std::string& name) const;
  CommandOption delimiter(char separator) const;                       // one argument holds several values
  CommandOption choices(const std::vector<std::string>& names) const;  // for completion; nothing is checked
  CommandOption one_argument_each_time() const;  // of a list: "--set a --set b", and never "--set a b"
  // Of an option in a file: whether the command line gave it, whether it is a flag, and its value from the file.
  // InputError for words that are no value.
  bool given() const;
  bool is_flag() const;
  void set(const std::vector<std::string>& words) const;
  std::string name() const;  // without dashes: "learning-rate"

 private:
  CLI::Option* option_;
};

// The texts of an option, from which the help, the completions and the manual pages are made.
struct OptionText {
  std::vector<std::string> names;  // "-o", "--output"; or "MODEL", of an argument by its place
  std::string value;               // "INT", "TEXT"; empty for a flag and for an argument by its place
  std::string default_value, help;
  std::string group;  // the heading in the help
  std::vector<std::string> choices;
  bool by_place = false, required = false;
  bool several = false;  // takes several values
};

// The texts of a command, of its options and of its subcommands.
struct CommandText {
  std::string name, description, footer;
  std::vector<OptionText> options;
  std::vector<CommandText> commands;
};

// A command of the command line, or the program itself: a handle, valid as long as the command line.
class Command {
 public:
  explicit Command(CLI::App* app = nullptr) : app_(app) {}

  Command add_command(const std::string& name, const std::string& description) const;
  void require_command() const;  // one of those that were added
  void hide() const;             // leaves the command out of the help and of text()
  void footer(const std::string& text) const;
  void group(const std::string& name) const;     // the heading, in the help, of the options that are added next
  void callback(std::function<void()> f) const;  // after the arguments are parsed, if they choose this command

  // An option that sets `value`, which must live as long as the command line. "-o,--output" has two names and "MODEL"
  // is an argument by its place. T is std::string, int, Index, std::uint64_t,
  // double, std::optional<double>, or a vector of std::string, Index or double.
  template <class T> CommandOption add_option(const std::string& names, T& value, const std::string& help) const;
  CommandOption add_flag(const std::string& names, bool& value, const std::string& help) const;
  // An option that calls f, with the word or the words after the option.
  CommandOption add_flag(const std::string& names, std::function<void()> f, const std::string& help) const;
  CommandOption add_word(const std::string& names, std::function<void(const std::string&)> f,
                         const std::string& help) const;
  CommandOption add_words(const std::string& names, std::function<void(const std::vector<std::string>&)> f,
                          const std::string& help) const;

  bool given(const std::string& option) const;  // "--paths"; never of a command without a command line
  std::string help() const;
  CommandText text() const;
  std::vector<CommandOption> options() const;

 private:
  CLI::App* app_;
};

// The program: parses its arguments.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& description, const std::string& version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Command program() const;
  // False if it printed the help or the version instead. InputError in one line, which suggests the nearest command.
  bool parse(int argc, const char* const* argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace pathline
