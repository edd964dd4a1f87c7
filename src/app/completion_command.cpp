#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "app/command.hpp"
#include "app/completion.hpp"
#include "app/manual.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/version.hpp"

namespace pathline {
namespace {

struct CompletionFlags {
  std::string shell, output;
  Command program;
};

void write_text(const std::string& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  if (!out) throw InputError(file + ": cannot write");
}

int run(const CompletionFlags& f) {
  if (f.shell != "bash" && f.shell != "zsh")
    throw InputError(fmt::format("SHELL = '{}': must be bash or zsh", f.shell));
  const auto script = f.shell == "bash" ? bash_completion(f.program.text()) : zsh_completion(f.program.text());
  if (f.output.empty())
    fmt::print("{}", script);
  else
    write_text(f.output, script);
  return 0;
}

struct ManualFlags {
  std::string directory;
  Command program;
};

int write_pages(const ManualFlags& f) {
  std::filesystem::create_directories(f.directory);
  for (const auto& page : manual_pages(f.program.text(), version()))
    write_text(f.directory + "/" + page.name + ".1", page.text);
  return 0;
}

}  // namespace

void add_completion_command(Command app, Action& chosen) {
  auto f = std::make_shared<CompletionFlags>();
  f->program = app;
  auto c = app.add_command("completion", "Print a script that completes the words of this command in a shell");
  c.footer(
      "Examples:\n"
      "  source <(pathline completion bash)\n"
      "  mkdir -p ~/.zfunc && pathline completion zsh -o ~/.zfunc/_pathline    # a directory of zsh's fpath");
  c.add_option("SHELL", f->shell, "bash or zsh").required().choices({"bash", "zsh"});
  c.add_option("-o,--output", f->output, "a file to write instead of the standard output");
  c.callback([f, &chosen] { chosen = [f] { return run(*f); }; });
}

void add_manual_command(Command app, Action& chosen) {
  auto f = std::make_shared<ManualFlags>();
  f->program = app;
  auto c = app.add_command("manual", "Write the manual pages of all commands into a directory");
  c.hide();
  c.add_option("DIRECTORY", f->directory, "where NAME.1 is written for each command").required();
  c.callback([f, &chosen] { chosen = [f] { return write_pages(*f); }; });
}

}  // namespace pathline
