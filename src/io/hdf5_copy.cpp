#include "io/hdf5_copy.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <system_error>

#include "io/hdf5_walk.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

std::atomic<bool> g_in_child{false};

[[noreturn]] void refuse(const std::string& file, const std::string& where) {
  throw InputError(file + ": " + where + ": is of a type or shape that no model has");
}

// Copies what a walk meets.
class Copy final : public Hdf5Visitor {
 public:
  Copy(const std::string& file, Hdf5File& out) : file_(file), out_(out) {}

  void group(const Hdf5Group& group) override {
    if (group.path() != "/") out_.create_group(group.path());
  }

  void attribute(const Hdf5Node& node, const std::string& name, Hdf5Kind kind, const Hdf5Shape& shape) override {
    if (kind == Hdf5Kind::other || shape.size() > 1) refuse(file_, node.path() + ": attribute '" + name + "'");
    const auto to = [&](const auto& value) {
      if (out_.is_group(node.path()))
        out_.group(node.path()).set_attribute(name, value);
      else
        out_.dataset(node.path()).set_attribute(name, value);
    };
    const bool single = shape.empty();
    if (kind == Hdf5Kind::boolean) {
      to(node.attribute<bool>(name));
    } else if (kind == Hdf5Kind::text) {
      single ? to(node.attribute<std::string>(name)) : to(node.attribute<std::vector<std::string>>(name));
    } else if (kind == Hdf5Kind::real) {
      single ? to(node.attribute<double>(name)) : to(node.attribute<std::vector<double>>(name));
    } else if (!single) {
      to(node.attribute<std::vector<std::int64_t>>(name));
    } else {
      const auto large = node.attribute<std::uint64_t>(name);  // a negative number is read as 0
      large > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
          ? to(large)
          : to(node.attribute<std::int64_t>(name));
    }
  }

  void dataset(const Hdf5Dataset& data, Hdf5Kind kind, const Hdf5Shape& shape) override {
    if (kind == Hdf5Kind::integer) {
      out_.write_values<std::int64_t>(data.path(), shape, data.values<std::int64_t>().data());
    } else if (kind == Hdf5Kind::real) {
      out_.write_values<double>(data.path(), shape, data.values<double>().data());
    } else if (kind == Hdf5Kind::text && shape.empty()) {
      out_.write_string(data.path(), data.strings().front());
    } else if (kind == Hdf5Kind::text && shape.size() == 1) {
      out_.write_strings(data.path(), data.strings());
    } else {
      refuse(file_, data.path());
    }
  }

  void values(const Hdf5Dataset&, Hdf5Kind) override {}

 private:
  const std::string& file_;
  Hdf5File& out_;
};

}  // namespace

void read_hdf5_in_child(bool yes) { g_in_child = yes; }
bool reads_hdf5_in_child() { return g_in_child; }

ChildLimits limits_of(const std::string& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  const Index size = error ? 0 : static_cast<Index>(bytes);
  return {.memory_bytes = (Index{48} << 20) + 16 * size, .seconds = 0.5 + static_cast<double>(size) / 20e6};
}

std::string clean_copy(const std::string& file) {
  ChildProcess child(file, limits_of(file), [&](ChildProcess::Channel& channel) {
    const auto in = Hdf5File::open_here(file);
    auto out = Hdf5File::create_in_memory(file);
    Copy copy(file, out);
    walk(in, file, copy);
    channel.send(out.image());
  });
  auto bytes = child.next();
  if (!bytes) throw InputError(file + ": cannot read: its copy is missing");
  return *std::move(bytes);
}

}  // namespace pathline
