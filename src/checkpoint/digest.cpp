#include "checkpoint/digest.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "core/hash.hpp"
#include "io/hdf5_walk.hpp"
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

// Hashes every object that is visited. Numbers are hashed as int64 or double, whatever type the file stores.
class ContentHash final : public Hdf5Visitor {
 public:
  explicit ContentHash(const std::string& file) : file_(file) {}
  std::uint64_t value() const { return hash_.value(); }

  bool enters(const std::string& path) override { return path != "/metrics" && path != "/training"; }

  void group(const Hdf5Group& group) override { add(hash_, "group " + group.path()); }

  void attribute(const Hdf5Node& node, const std::string& name, Hdf5Kind kind, const Hdf5Shape& shape) override {
    if (node.path() == "/" && name == "digest") return;
    add(hash_, "attribute " + name);
    add(hash_, static_cast<std::uint64_t>(kind));
    add(hash_, shape);
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

  void dataset(const Hdf5Dataset& data, Hdf5Kind kind, const Hdf5Shape& shape) override {
    add(hash_, "data set " + data.path());
    add(hash_, static_cast<std::uint64_t>(kind));
    add(hash_, shape);
  }

  void values(const Hdf5Dataset& data, Hdf5Kind kind) override {
    switch (kind) {
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

 private:
  [[noreturn]] void refuse(const std::string& path, const std::string& what) const {
    throw InputError(file_ + ": " + path + ": " + what);
  }

  const std::string& file_;
  Hash hash_;
};

}  // namespace

std::string content_digest(const Hdf5Group& root, const std::string& file) {
  ContentHash hash(file);
  walk(root, file, hash);
  return fmt::format("{:016x}", hash.value());
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
