#include "checkpoint/model_part.hpp"

#include <type_traits>
#include <variant>

#include <fmt/format.h>

namespace pathline::model_file {

void refuse(const std::string& file, const std::string& what) { throw InputError(file + ": " + what); }

InputError in_file(const std::string& file, const InputError& error) {
  const std::string what = error.what();
  return what.starts_with(file) ? error : InputError(file + ": " + what);
}

void write_attributes(Hdf5Group group, const Attributes& attributes) {
  for (const auto& [name, value] : attributes) {
    if (group.has_attribute(name) || group.exists(name))
      throw InputError(fmt::format("{}: the description has two attributes named '{}'", group.path(), name));
    std::visit(
        [&, &name = name](const auto& v) {
          if constexpr (std::is_same_v<std::decay_t<decltype(v)>, Vector<double>>)
            group.write_vector(name, v);
          else
            group.set_attribute(name, v);
        },
        value);
  }
}

void check_attributes(const std::string& file, const Hdf5Group& group, const Attributes& attributes,
                      const std::string& part) {
  for (const auto& [name, value] : attributes)
    std::visit(
        [&, &name = name](const auto& expected) {
          using T = std::decay_t<decltype(expected)>;
          if constexpr (std::is_same_v<T, std::string>) {
            if (const auto found = group.attribute<T>(name); found != expected)
              refuse(file, group.path() + fmt::format(": {} is '{}'; the flow has '{}'", name, found, expected));
          } else {
            bool same;
            if constexpr (std::is_same_v<T, Vector<double>>) {
              const auto found = group.read_vector<double>(name);
              same = found.size() == expected.size() && found == expected;
            } else {
              same = group.attribute<T>(name) == expected;
            }
            if (!same) refuse(file, group.path() + ": " + name + " of the " + part + " differs from that of the flow");
          }
        },
        value);
}

Vector<double> read_sized(const std::string& file, const Hdf5Group& group, const std::string& name, Index size) {
  const auto v = group.read_vector<double>(name);
  if (v.size() != size) refuse(file, fmt::format("{}: {} numbers, expected {}", name, v.size(), size));
  if (!v.allFinite()) refuse(file, name + ": a value is not finite");
  return v;
}

std::vector<Hdf5Group> groups_of(const Hdf5Group& in, const std::string& parent) {
  std::vector<Hdf5Group> groups;
  for (int i = 0; in.exists(parent + "/" + std::to_string(i)); ++i)
    groups.push_back(in.group(parent + "/" + std::to_string(i)));
  return groups;
}

}  // namespace pathline::model_file
