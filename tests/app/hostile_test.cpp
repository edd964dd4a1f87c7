// Files made to harm: each ends every command that reads it with one line, within a second and 100 MB.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "app/program.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kMostSeconds = 20, kMostMegabytes = 1e6;  // of which the sanitizers take most
#elif defined(NDEBUG)
constexpr double kMostSeconds = 1, kMostMegabytes = 100;  // CPU time: the machine may be busy
#else
constexpr double kMostSeconds = 5, kMostMegabytes = 100;
#endif

struct Ended {
  int code;  // 128 + n for signal n
  double seconds, megabytes;
  std::string out, err;
};

class HostileFiles : public Scratch {
 protected:
  // The program in the scratch directory.
  Ended program(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), tool_path());
    std::vector<char*> argv;
    for (auto& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto open = [&](const char* name) {
        return ::open(file(name).c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
      };
      ::dup2(::open("/dev/null", O_RDONLY), 0), ::dup2(open("out.txt"), 1), ::dup2(open("err.txt"), 2);
      if (::chdir(root_.c_str()) == 0) ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    int status = 0;
    rusage used{};
    ::wait4(child, &status, 0, &used);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            seconds(used.ru_utime) + seconds(used.ru_stime), static_cast<double>(used.ru_maxrss) / 1024, get("out.txt"),
            get("err.txt")};
  }

  // What the command says; it has to end in time, with one line and a code that is not 0.
  std::string refusal(const std::vector<std::string>& arguments) const {
    const auto end = program(arguments);
    const std::string command = testing::PrintToString(arguments);
    EXPECT_THAT(end.code, testing::AnyOf(1, 2)) << command << end.err;
    EXPECT_LE(end.seconds, kMostSeconds) << command;
    EXPECT_LE(end.megabytes, kMostMegabytes) << command;
    int lines = 0;
    std::istringstream text(end.err);
    for (std::string line; std::getline(text, line);) lines += !line.starts_with("pathline: note: ");
    EXPECT_EQ(lines, 1) << command << end.err;
    EXPECT_EQ(end.err.find('\x1b'), std::string::npos) << command << end.err;
    return end.err;
  }

  // A model as train writes it, without its seal, after `change` in Python.
  std::string model(const std::string& name, const std::string& change) const {
    const std::string made =
        python("import shutil, pathlib\nshutil.copy('" + fixtures_dir() + "/model_format_1.h5', '" + name +
               "')\nwith h5py.File('" + name + "', 'a') as f:\n  " + change + "\n");
    EXPECT_EQ(made, "");
    return name;
  }
  std::string table(const std::string& name, const std::string& make) const {
    EXPECT_EQ(python("with h5py.File('" + name + "', 'w') as f:\n  " + make + "\n"), "");
    return name;
  }

  // Every command that reads a model, and those that read a table.
  std::vector<std::string> model_refusals(const std::string& name) const {
    put("p.csv", "a,b\n0,0\n1,1\n");
    std::filesystem::create_directories(file("run"));
    std::filesystem::copy_file(file(name), file("run/last.h5"), std::filesystem::copy_options::overwrite_existing);
    return {refusal({"info", name}), refusal({"density", name, "p.csv"}),
            refusal({"sample", name, "-n", "3", "-o", "s.csv"}), refusal({"plot", name, "-o", "p.png"}),
            refusal({"train", "--resume", "run"})};
  }
  std::vector<std::string> table_refusals(const std::string& name) const {
    put("data.toml", "data.source = \"" + name + "\"\n");
    return {refusal({"density", source_dir() + "/models/moons.h5", name}), refusal({"train", name, "-o", "trained"}),
            refusal({"data", "split", "data.toml", "-o", "parts.h5"}),
            refusal({"plot", source_dir() + "/models/moons.h5", "--data", name, "-o", "p.png"})};
  }
};

TEST_F(HostileFiles, ValuesInOtherFilesAreRefusedByNameSlow) {
  put("secret.txt", std::string(1000, 's'));
  table("other.h5", "f['x'] = np.ones((10, 2))");
  const auto refused = [](const std::string& name) { return AllOf(HasSubstr("another file"), HasSubstr(name)); };
  for (const auto& what :
       table_refusals(table("t.h5", "f.create_dataset('x', (50, 2), 'f8', external=[('secret.txt', 0, 800)])")))
    EXPECT_THAT(what, refused("secret.txt"));
  for (const auto& what : table_refusals(table("t.h5", "f['x'] = h5py.ExternalLink('other.h5', '/x')")))
    EXPECT_THAT(what, refused("other.h5"));
  for (const auto& what : table_refusals(
           table("t.h5",
                 "l = h5py.VirtualLayout((10, 2), 'f8'); l[:] = h5py.VirtualSource('other.h5', 'x', (10, 2)); "
                 "f.create_virtual_dataset('x', l)")))
    EXPECT_THAT(what, refused("other.h5"));
  for (const auto& what : model_refusals(model(
           "m.h5", "del f['columns']; f.create_dataset('columns', (2,), 'S100', external=[('secret.txt', 0, 200)])")))
    EXPECT_THAT(what, refused("secret.txt"));
  for (const auto& what :
       model_refusals(model("m.h5", "del f['mean']; f['mean'] = h5py.ExternalLink('other.h5', '/x')")))
    EXPECT_THAT(what, HasSubstr("link to another"));
}

TEST_F(HostileFiles, ALinkToAnotherFileBesideATableIsNoHindrance) {
  table("t.h5", "f['x'] = np.ones((3, 2)); f['y'] = h5py.ExternalLink('other.h5', '/x')");
  const auto end = program({"density", source_dir() + "/models/moons.h5", "t.h5:x"});
  EXPECT_EQ(end.code, 0) << end.err;
}

TEST_F(HostileFiles, GroupsThatContainThemselvesEndSlow) {
  const std::string cycles = "g = f.create_group('g'); [g.__setitem__('l%d' % i, g) for i in range(40)]";
  for (const auto& what : model_refusals(model("m.h5", cycles))) EXPECT_THAT(what, HasSubstr("/g/"));
  for (const auto& what : model_refusals(model("m.h5", "f['blocks/0/up'] = f['/']")))
    EXPECT_THAT(what, HasSubstr("/up"));
  for (const auto& what :
       table_refusals(table("t.h5", cycles + "; f['a'] = np.ones((3, 2)); f['b'] = np.ones((3, 2))")))
    EXPECT_THAT(what, HasSubstr("a, b"));
  // A tree in which every group has forty ways to the next: 40^8 ways.
  const std::string ways =
      "a = [f.create_group('a%d' % i) for i in range(9)]; "
      "[a[i].__setitem__('l%d' % j, a[i + 1]) for i in range(8) for j in range(40)]";
  for (const auto& what : model_refusals(model("m.h5", ways)))  // whichever limit is reached first
    EXPECT_THAT(what, AnyOf(HasSubstr("more objects"), HasSubstr("does not finish reading it")));
  table_refusals(table("t.h5", ways));
}

TEST_F(HostileFiles, ShapesWithoutValuesAreRefusedSlow) {
  for (const std::string make :
       {"f.create_dataset('x', (10**12, 2), 'f8')",
        "f.create_dataset('x', (10**12, 2), 'f8', chunks=(1000, 2))[:10] = 1",
        "f.create_dataset('x', (0, 10**12), 'f8', maxshape=(None, None))",
        "f.create_dataset('x', (10**6, 10**6, 10**6), 'f8')", "f.create_dataset('x', (2**62, 2, 2, 2), 'i1')",
        "f.create_dataset('x', (10**9,), [('a', 'f8'), ('b', 'f8')])",
        "f.create_dataset('x', (10**8, 2), 'f8', chunks=(10**8, 2), compression='gzip')"})
    for (const auto& what : table_refusals(table("t.h5", make)))
      EXPECT_THAT(what, HasSubstr("more values than")) << make;
  for (const std::string change :
       {"del f['mean']; f.create_dataset('mean', (10**12,), 'f8')",
        "del f['recipe']; f.create_dataset('recipe', (2**40,), 'S8')",
        "del f['columns']; f.create_dataset('columns', (2**40,), 'S64')",
        "del f['parameters/blocks/0/layers/0/_layer/weight']; "
        "f.create_dataset('parameters/blocks/0/layers/0/_layer/weight', (2**30, 2**30), 'f4')"})
    for (const auto& what : model_refusals(model("m.h5", change)))
      EXPECT_THAT(what, HasSubstr("more values than")) << change;
}

TEST_F(HostileFiles, AModelsNumbersAskForNoMoreThanItsFileHoldsSlow) {
  for (const std::string change :
       {"f['blocks/0'].attrs['hidden'] = [10**9, 10**9]", "f['blocks/0'].attrs['hidden'] = [2**62, 2**62]",
        "f['base'].attrs['kind'] = 'mixture'; f['base'].attrs['components'] = 10**8",
        "f['base'].attrs['kind'] = 'full_mixture'; f['base'].attrs['components'] = 10**8", "f.attrs['dim'] = 10**9",
        "f.attrs['dim'] = 2**62", "f.attrs['condition_dim'] = 10**10",
        "f['blocks/0'].attrs['time_frequencies'] = 10**12",
        "f['blocks/0'].attrs['field'] = 'potential'; f['blocks/0'].attrs['width'] = 10**6; "
        "f['blocks/0'].attrs['layers'] = 2; "
        "f['blocks/0'].attrs['rank'] = 2",
        "f['blocks/0'].attrs['field'] = 'potential'; f['blocks/0'].attrs['width'] = 1; f['blocks/0'].attrs['layers'] = "
        "10**12; "
        "f['blocks/0'].attrs['rank'] = 10**12"})
    model_refusals(model("m.h5", change));
  for (const std::string change :
       {"f.attrs['hidden'] = [10**9, 10**9]", "f.attrs['dim'] = 10**9", "f.attrs['num_blocks'] = 10**15"}) {
    EXPECT_EQ(python("import shutil\nshutil.copy('" + fixtures_dir() +
                     "/ffjord_8gaussians.h5', 'm.h5')\n"
                     "with h5py.File('m.h5', 'a') as f: " +
                     change),
              "");
    refusal({"import", "ffjord", "m.h5", "-o", "n.h5"}), refusal({"info", "m.h5"});
  }
}

TEST_F(HostileFiles, TerminalEscapesArePrintedAsTextSlow) {
  const std::string escape = "\\x1b]0;PWNED\\x07\\x1b[31m";
  model("m.h5", "f.attrs['version'] = '" + escape + "red'");
  const auto info = program({"info", "m.h5"});
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_THAT(info.out, HasSubstr(escape + "red"));
  model("m.h5", "f.attrs['precision'] = '" + escape + "'");
  for (const auto& what : model_refusals("m.h5")) EXPECT_THAT(what, HasSubstr(escape));
  table("t.h5", "f['" + escape + "1'] = np.ones((3, 2)); f['b'] = np.ones((3, 2))");
  for (const auto& what : table_refusals("t.h5")) EXPECT_THAT(what, HasSubstr(escape));
  put("t.csv", "\x1b[31mred,b\n1,x\n");
  EXPECT_THAT(refusal({"density", source_dir() + "/models/moons.h5", "t.csv"}), Not(HasSubstr("\x1b")));
}

TEST_F(HostileFiles, MetricsThatAreNoObjectsAreLeftOut) {
  model("m.h5",
        "del f['metrics']; f['metrics'] = ['[1, 2]', '\"best\"', '{', '{\"best\": 3}', "
        "'{\"best\": true, \"iteration\": \"x\", \"validation_nll\": []}', '{\"best\": {\"a\": 1}}', 'null']");
  const auto info = program({"info", "m.h5"});
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_EQ(std::count(info.err.begin(), info.err.end(), '\n'), 1) << info.err;
  EXPECT_THAT(info.err, HasSubstr("is of format 1"));
  EXPECT_EQ(program({"plot", "--training", "m.h5", "-o", "p.png"}).code, 0);
}

TEST_F(HostileFiles, TheRecipeOfAModelOpensNoFile) {
  put("data.csv", "a,b\n1,2\n");
  model("m.h5", "del f['recipe']; f['recipe'] = 'data.source = \"data.csv\"\\n'");
  const auto end = program({"plot", "m.h5", "-o", "p.png"});
  EXPECT_THAT(end.err, HasSubstr("is opened only if --data names it")) << end.code;
}

// libhdf5 1.10 crashes on the first and the third, and does not end on the second.
TEST_F(HostileFiles, WhatTheHdf5LibraryDoesNotSurviveIsAnErrorSlow) {
  const std::string from = fixtures_dir() + "/hostile/";
  for (const char* name : {"crash_table.h5", "hang_table.h5"}) {
    std::filesystem::copy_file(from + name, file(name));
    for (const auto& what : table_refusals(name)) EXPECT_THAT(what, HasSubstr(name));
  }
  std::filesystem::copy_file(from + "crash_last.h5", file("last.h5"));
  model_refusals("last.h5");
}

// Each took a time that grows with the square of its length.
TEST_F(HostileFiles, ALongLineOfTextIsReadOnceSlow) {
  const auto many = [](int n, const std::string& text) {
    std::string all;
    for (int i = 0; i < n; ++i) all += text;
    return all;
  };
  const std::string values = "1" + many(20000, " #na") + "\n";
  std::string names = "a0";
  for (int i = 1; i < 100000; ++i) names += ",a" + std::to_string(i);
  for (const std::string& text :
       {values, "0" + many(20000, " 1") + "\n" + values, names + ",a0\n", "\"" + many(500000, "\"\"") + "\",b\n1,x\n"})
    table_refusals((put("t.csv", text), "t.csv"));
}

TEST_F(HostileFiles, AnArrayOfManyColumnsAndNoRowsIsRefused) {
  const std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 16777216), }";
  put("t.npy", std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() + 1) + '\0' + header + "\n");
  refusal({"train", "t.npy", "-o", "run"});
}

}  // namespace
}  // namespace pathline
