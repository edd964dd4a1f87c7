#include "checkpoint/digest.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>

#include "core/hash.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

// A text is hashed with its length before it, so that "ab", "c" is not "a", "bc".
void add(Hash& hash, std::uint64_t value) { hash.add(&value, sizeof value); }

void add(Hash& hash, const std::string& text) {
  add(hash, text.size());
  hash.add(text.data(), text.size());
}

template <class T> void add(Hash& hash, const std::vector<T>& values) {
  add(hash, values.size());
  for (const auto& value : values) {
    if constexpr (std::is_same_v<T, std::string>)
      add(hash, value);
    else
      hash.add(&value, sizeof value);
  }
}

// Walks a file and hashes what it meets. Numbers are hashed as int64 or double, whatever type the file stores.
class Walk {
 public:
  Walk(const std::string& file, Index most_values) : file_(file), most_values_(most_values) {}

  void group(const Hdf5Group& group, int depth) {
    if (depth > kDeepest || ++objects_ > kMostObjects) refuse(group.path(), "too many groups for a model");
    add(hash_, "group " + group.path());
    attributes(group);
    for (const auto& name : group.children()) {
      const std::string path = (group.path() == "/" ? "/" : group.path() + "/") + name;
      if (path == "/metrics" || path == "/training") continue;
      if (!group.has_own(name)) refuse(path, "is a link to another place; a model has none");
      if (group.is_group(path))
        this->group(group.group(path), depth + 1);
      else
        dataset(group.dataset(path));
    }
  }

  std::uint64_t value() const { return hash_.value(); }

 private:
  static constexpr int kDeepest = 32;
  static constexpr Index kMostObjects = 100000;

  [[noreturn]] void refuse(const std::string& path, const std::string& what) const {
    throw InputError(file_ + ": " + path + ": " + what);
  }

  void add_shape(const std::string& path, const Hdf5Shape& shape) {
    add(hash_, shape);
    Index values = 1;
    for (const Index extent : shape) {
      if (extent > 0 && values > most_values_ / extent) refuse(path, "has more values than the file has bytes");
      values *= extent;
    }
  }

  void attributes(const Hdf5Node& node) {
    for (const auto& name : node.attribute_names()) {
      if (node.path() == "/" && name == "digest") continue;
      const auto kind = node.attribute_kind(name);
      add(hash_, "attribute " + name);
      add(hash_, static_cast<std::uint64_t>(kind));
      add_shape(node.path() + ": attribute '" + name + "'", node.attribute_shape(name));
      switch (kind) {
        case Hdf5Kind::integer:
          add(hash_, node.attribute<std::vector<std::int64_t>>(name));
          break;
        case Hdf5Kind::real:
          add(hash_, node.attribute<std::vector<double>>(name));
          break;
        case Hdf5Kind::text:
          add(hash_, node.attribute<std::vector<std::string>>(name));
          break;
        case Hdf5Kind::boolean:
          add(hash_, static_cast<std::uint64_t>(node.attribute<bool>(name)));
          break;
        case Hdf5Kind::other:
          refuse(node.path(), "attribute '" + name + "' is of a type that no model has");
      }
    }
  }

  void dataset(const Hdf5Dataset& data) {
    if (++objects_ > kMostObjects) refuse(data.path(), "too many data sets for a model");
    add(hash_, "data set " + data.path());
    add(hash_, static_cast<std::uint64_t>(data.kind()));
    add_shape(data.path(), data.shape());
    attributes(data);
    switch (data.kind()) {
      case Hdf5Kind::integer:
        add(hash_, data.values<std::int64_t>());
        break;
      case Hdf5Kind::real:
        add(hash_, data.values<double>());
        break;
      case Hdf5Kind::text:
        add(hash_, data.strings());
        break;
      default:
        refuse(data.path(), "is of a type that no model has");
    }
  }

  const std::string& file_;
  Index most_values_, objects_ = 0;
  Hash hash_;
};

}  // namespace

std::string content_digest(const Hdf5Group& root, const std::string& file) {
  Walk walk(file, std::max<Index>(root.file_bytes(), 1 << 20));
  walk.group(root, 0);
  return fmt::format("{:016x}", walk.value());
}

std::string digest_of_format_1(const Hdf5Group& root, const std::vector<Parameter>& parameters,
                               const Vector<double>& theta) {
  Hash hash;
  auto add_vector = [&hash](const Vector<double>& v) { hash.add({v.data(), v.size(), 1}); };
  auto add_number = [&hash](double value) { hash.add(&value, sizeof value); };
  for (const auto& p : parameters) hash.add(p.name.data(), p.name.size());
  for (int i = 0; root.exists("blocks/" + std::to_string(i)); ++i) {
    const auto block = root.group("blocks/" + std::to_string(i));
    add_number(block.attribute<double>("end_time"));
    const auto clock = block.attribute<std::string>("clock");
    hash.add(clock.data(), clock.size());
  }
  for (int i = 0; root.exists("norms/" + std::to_string(i)); ++i)
    for (const char* name : {"/mean", "/variance"})
      add_vector(root.read_vector<double>("norms/" + std::to_string(i) + name));
  for (const char* name : {"mean", "scale", "condition_mean", "condition_scale"})
    add_vector(root.read_vector<double>(name));
  add_number(root.attribute<double>("logit"));
  add_vector(theta);
  return fmt::format("{:016x}", hash.value());
}

}  // namespace pathline
