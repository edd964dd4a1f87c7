#include "app/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/help_text.hpp"
#include "app/report.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "pathline/core/types.hpp"

namespace pathline {
namespace {

template <class T> std::string integer_error(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return "";
  if (error == std::errc::result_out_of_range)
    return fmt::format("{}: expected an integer from {} to {}", text, std::numeric_limits<T>::min(),
                       std::numeric_limits<T>::max());
  return fmt::format("{}: expected an integer{}", text, std::is_unsigned_v<T> ? " >= 0" : "");
}

// CLI11 clamps an integer that is too large and wraps a negative one for an unsigned type. It names them INT and UINT.
void check_integers(CLI::App& app) {
  for (auto* option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (type == "INT") option->check(integer_error<std::int64_t>);
    if (type == "UINT") option->check(integer_error<std::uint64_t>);
  }
  for (auto* command : app.get_subcommands({})) check_integers(*command);
}

// The names of the commands that the help shows.
std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({}))
    if (!command->get_group().empty()) names.push_back(command->get_name());
  return names;
}

bool has_command(const CLI::App& app, const std::string& name) {
  return !app.get_subcommands([&](const CLI::App* command) { return command->get_name() == name; }).empty();
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// The first "--option" that the command does not have; "" if there is none. An argument after "--" is no option.
std::string unknown_option(const CLI::App& app, int argc, const char* const* argv) {
  const auto names = option_names(app);
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i], name = word.substr(0, word.find('='));
    if (word == "--") break;
    if (word.starts_with("--") && std::find(names.begin(), names.end(), name) == names.end()) return name;
  }
  return "";
}

// The command whose help was asked for, and its path.
CLI::App* chosen_command(CLI::App* app, std::string& path) {
  path = app->get_name();
  for (auto chosen = app->get_subcommands(); !chosen.empty(); chosen = app->get_subcommands())
    app = chosen.front(), path += " " + app->get_name();
  return app;
}

// The error of CLI11 in one line. For an unknown command it suggests the nearest one.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, const char* const* argv) {
  const CLI::App* at = &app;
  std::string path = app.get_name();
  for (int i = 1; i < argc; ++i) {
    const auto names = command_names(*at);
    const std::string word = argv[i];
    if (names.empty() || word.starts_with('-')) break;
    if (!has_command(*at, word))
      return fmt::format("unknown command '{}' of {}{} ({})", word, path, did_you_mean(word, names),
                         fmt::join(names, ", "));
    at = at->get_subcommand(word), path += " " + word;
  }
  if (const auto word = unknown_option(*at, argc, argv); !word.empty())
    return fmt::format("unknown option '{}' of {}{}; see {} --help", word, path, did_you_mean(word, option_names(*at)),
                       path);
  std::string text = error.what();
  if (const auto names = command_names(*at); !names.empty() && dynamic_cast<const CLI::RequiredError*>(&error))
    text = fmt::format("expected a command: {}", fmt::join(names, ", "));
  constexpr std::string_view kConversion = "Could not convert: ";  // of CLI11, before "--threads = abc"
  if (text.starts_with(kConversion))
    text = text.substr(kConversion.size()) + ": expected a number, not larger than the option can take";
  std::replace(text.begin(), text.end(), '\n', ' ');
  return fmt::format("{}; see {} --help", text, path);
}

constexpr const char* kChoices = "choices";

std::vector<std::string> choices_of(CLI::Option& option) {
  try {
    auto* list = option.get_validator(kChoices);
    list->active(true);
    const std::string names = list->get_description();
    list->active(false);
    return CLI::detail::split(names, ',');
  } catch (const CLI::OptionNotFound&) {
    return {};
  }
}

OptionText text_of(CLI::Option& option) {
  OptionText out;
  out.by_place = option.get_positional();
  if (out.by_place) out.names.push_back(option.get_name(true));
  for (const auto& name : option.get_snames()) out.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) out.names.push_back("--" + name);
  if (option.get_expected_max() != 0 && !out.by_place) out.value = option.get_type_name();
  out.several = option.get_expected_max() == CLI::detail::expected_max_vector_size;
  if (const auto value = option.get_default_str(); value != "\"\"") out.default_value = value;
  out.help = option.get_description(), out.group = option.get_group();
  out.choices = choices_of(option), out.required = option.get_required();
  return out;
}

CommandText text_of(CLI::App& app) {
  CommandText out;
  out.name = app.get_name(), out.description = app.get_description(), out.footer = app.get_footer();
  for (auto* option : app.get_options()) out.options.push_back(text_of(*option));
  for (auto* command : app.get_subcommands({}))
    if (!command->get_group().empty()) out.commands.push_back(text_of(*command));
  return out;
}

}  // namespace

CommandOption CommandOption::required() const { return CommandOption(option_->required()); }
CommandOption CommandOption::show_default() const { return CommandOption(option_->capture_default_str()); }
CommandOption CommandOption::show_default(const std::string& text) const {
  return CommandOption(option_->default_str(text));
}
CommandOption CommandOption::type_name(const std::string& name) const {
  return CommandOption(option_->type_name(name));
}
CommandOption CommandOption::delimiter(char separator) const { return CommandOption(option_->delimiter(separator)); }
CommandOption CommandOption::one_argument_each_time() const {
  return CommandOption(option_->take_all()->allow_extra_args(false));
}

// CLI11 has no place for values that it does not check: an inactive validator keeps them.
CommandOption CommandOption::choices(const std::vector<std::string>& names) const {
  CLI::Validator list(CLI::detail::join(names, ","));
  list.active(false);
  return CommandOption(option_->check(list, kChoices));
}

bool CommandOption::given() const { return option_->count() > 0; }
bool CommandOption::is_flag() const { return option_->get_expected_max() == 0; }
std::string CommandOption::name() const { return option_->get_single_name(); }

void CommandOption::set(const std::vector<std::string>& words) const {
  try {
    option_->clear();
    for (const auto& word : words) option_->add_result(word);
    option_->run_callback();
  } catch (const CLI::ParseError& e) {
    throw InputError(e.what());
  }
}

Command Command::add_command(const std::string& name, const std::string& description) const {
  return Command(app_->add_subcommand(name, description));
}
void Command::require_command() const { app_->require_subcommand(1); }
void Command::hide() const { app_->group(""); }
void Command::footer(const std::string& text) const { app_->footer(text); }
void Command::callback(std::function<void()> f) const { app_->callback(std::move(f)); }

template <class T>
CommandOption Command::add_option(const std::string& names, T& value, const std::string& help) const {
  return CommandOption(app_->add_option(names, value, help));
}
#define PATHLINE_OPTION_TYPE(...) \
  template CommandOption Command::add_option(const std::string&, __VA_ARGS__&, const std::string&) const;
PATHLINE_OPTION_TYPE(std::string)
PATHLINE_OPTION_TYPE(int)
PATHLINE_OPTION_TYPE(Index)
PATHLINE_OPTION_TYPE(std::uint64_t)
PATHLINE_OPTION_TYPE(double)
PATHLINE_OPTION_TYPE(std::optional<double>)
PATHLINE_OPTION_TYPE(std::vector<std::string>)
PATHLINE_OPTION_TYPE(std::vector<Index>)
PATHLINE_OPTION_TYPE(std::vector<double>)
#undef PATHLINE_OPTION_TYPE

CommandOption Command::add_flag(const std::string& names, bool& value, const std::string& help) const {
  return CommandOption(app_->add_flag(names, value, help));
}
CommandOption Command::add_flag(const std::string& names, std::function<void()> f, const std::string& help) const {
  return CommandOption(app_->add_flag_callback(names, std::move(f), help));
}
CommandOption Command::add_word(const std::string& names, std::function<void(const std::string&)> f,
                                const std::string& help) const {
  return CommandOption(app_->add_option_function<std::string>(names, f, help));
}
CommandOption Command::add_words(const std::string& names, std::function<void(const std::vector<std::string>&)> f,
                                 const std::string& help) const {
  return CommandOption(app_->add_option_function<std::vector<std::string>>(names, f, help));
}

bool Command::given(const std::string& option) const { return app_ && app_->count(option) > 0; }

void Command::group(const std::string& name) const { app_->option_defaults()->group(name); }

std::string Command::help() const { return help_text(text(), app_->get_name()); }

CommandText Command::text() const { return text_of(*app_); }

std::vector<CommandOption> Command::options() const {
  std::vector<CommandOption> out;
  for (auto* option : app_->get_options())
    if (option != app_->get_help_ptr()) out.emplace_back(option);
  return out;
}

CommandLine::CommandLine(const std::string& name, const std::string& description, const std::string& version)
    : app_(std::make_unique<CLI::App>(description, name)) {
  if (!version.empty()) app_->set_version_flag("--version", version);
}
CommandLine::~CommandLine() = default;

Command CommandLine::program() const { return Command(app_.get()); }

bool CommandLine::parse(int argc, const char* const* argv) {
  check_integers(*app_);
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) throw InputError(usage_error(*app_, e, argc, argv));
    if (dynamic_cast<const CLI::CallForHelp*>(&e)) {
      std::string path;
      auto* command = chosen_command(app_.get(), path);
      write_result(help_text(text_of(*command), path));
    } else {
      app_->exit(e);
    }
    return false;
  }
  return true;
}

}  // namespace pathline
