// pathline as a user runs it: its commands inside the test's process, and the real program in a script.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "pathline/app/app.hpp"
#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {

struct Outcome {
  int code;
  std::string out, err;
};

// Runs a command inside this process, with more arguments behind the first.
inline Outcome run(std::vector<std::string> arguments, const std::vector<std::string>& more = {}) {
  arguments.insert(arguments.begin(), "pathline"), arguments.insert(arguments.end(), more.begin(), more.end());
  std::vector<char*> argv;
  for (auto& a : arguments) argv.push_back(a.data());
  ::testing::internal::CaptureStdout(), ::testing::internal::CaptureStderr();
  const int code = run_app(static_cast<int>(argv.size()), argv.data());
  std::string out = ::testing::internal::GetCapturedStdout();
  return {code, out, ::testing::internal::GetCapturedStderr()};
}

class ScriptedProgram : public Scratch {
 protected:
  // The exit code of a script of bash, in which $P is the program; 128 + n for signal n. Its streams are in out.txt and
  // err.txt. $P is found by PATH, because the path of a checkout may have blanks, at which an unquoted $P would end.
  int bash(const std::string& script) const {
    const std::filesystem::path tool = tool_path();
    put("script.sh", "cd '" + root_.string() + "'\nPATH='" + tool.parent_path().string() + "':$PATH\nP=" +
                         tool.filename().string() + "\n" + script + "\n");
    const int status = std::system(
        ("bash '" + file("script.sh") + "' > '" + file("out.txt") + "' 2> '" + file("err.txt") + "' < /dev/null")
            .c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
};

}  // namespace pathline
