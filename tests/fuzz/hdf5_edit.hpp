// Changes of a good HDF5 file that bytes describe: values, kinds and shapes of attributes and data sets, and what is
// left out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "io/hdf5_walk.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/checkpoint/training_state.hpp"
#include "pathline/field/mlp.hpp"

namespace pathline::fuzz {

// Bytes as a source of choices; zeros at its end, and 0 is always "as it is".
class Choices {
 public:
  explicit Choices(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  unsigned byte() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }
  std::int64_t integer() {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t kOdd[] = {0, 1, 2, 3, 17, 255, 65536, std::int64_t{1} << 31, std::int64_t{1} << 32,
                                     std::int64_t{1} << 62, kMost, -1, -kMost - 1, 1000000, 100000000, 64};
    return kOdd[byte() % std::size(kOdd)];
  }
  double real() {
    constexpr double kOdd[] = {0, 1, -1, 1e-300, 1e300, -1e300, 0.5, 1e-5, 1e10};
    switch (const unsigned which = byte() % 12) {
      case 9: return std::numeric_limits<double>::quiet_NaN();
      case 10: return std::numeric_limits<double>::infinity();
      case 11: return static_cast<double>(byte()) - 128;
      default: return kOdd[which];
    }
  }
  std::string text() {
    const std::size_t size = std::min<std::size_t>(byte(), bytes_.size());
    const std::string out(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return out.substr(0, out.find('\0'));
  }

 private:
  std::string_view bytes_;
};

class Edit final : public Hdf5Visitor {
 public:
  Edit(Choices choices, Hdf5File& out) : choices_(choices), out_(out) {}

  // Two bytes say how many objects stay as they are before the next change.
  bool enters(const std::string& path) override {
    if (next() && choices_.byte() % 4 == 1) return false;
    path_ = path;
    return true;
  }
  void group(const Hdf5Group& group) override {
    if (group.path() != "/") out_.create_group(group.path());
  }
  void attribute(const Hdf5Node& node, const std::string& name, Hdf5Kind kind, const Hdf5Shape& shape) override {
    const unsigned change = next() ? choices_.byte() % 8 : 0;
    if (change == 1) return;
    const auto to = [&](const auto& value) {
      if (out_.is_group(node.path())) out_.group(node.path()).set_attribute(name, value);
      else if (out_.exists(node.path())) out_.dataset(node.path()).set_attribute(name, value);
    };
    if (change == 2) return to(choices_.integer());
    if (change == 3) return to(choices_.real());
    if (change == 4) return to(choices_.text());
    if (change == 5) return to(std::vector<std::int64_t>(choices_.byte() % 40, choices_.integer()));
    if (change == 6) return to(std::vector<std::string>(choices_.byte() % 5, choices_.text()));
    if (change == 7) return to(std::vector<double>(choices_.byte() % 5, choices_.real()));
    if (kind == Hdf5Kind::boolean) to(node.attribute<bool>(name));
    else if (kind == Hdf5Kind::text && shape.empty()) to(node.attribute<std::string>(name));
    else if (kind == Hdf5Kind::text) to(node.attribute<std::vector<std::string>>(name));
    else if (kind == Hdf5Kind::real && shape.empty()) to(node.attribute<double>(name));
    else if (kind == Hdf5Kind::real) to(node.attribute<std::vector<double>>(name));
    else if (shape.empty()) to(node.attribute<std::int64_t>(name));
    else to(node.attribute<std::vector<std::int64_t>>(name));
  }
  void dataset(const Hdf5Dataset& data, Hdf5Kind kind, const Hdf5Shape& shape) override {
    const unsigned change = next() ? choices_.byte() % 6 : 0;
    Hdf5Shape made = shape;
    if (change == 1) made.resize(choices_.byte() % 5, 1);
    if (change == 2 && !made.empty()) made[choices_.byte() % made.size()] = choices_.byte() % 8;
    if (change == 3) return out_.write_string(data.path(), choices_.text());
    if (change == 4) return out_.write_strings(data.path(), std::vector<std::string>(choices_.byte() % 6, choices_.text()));
    Index size = 1;
    for (const Index n : made) size *= n;
    if (kind == Hdf5Kind::text) return write_texts(data, made, size);
    std::vector<double> values = data.values<double>();
    values.resize(static_cast<std::size_t>(size), 0.5);
    if (change == 5 && !values.empty()) values[choices_.byte() % values.size()] = choices_.real();
    out_.write_values<double>(data.path(), made, values.data());
  }
  void values(const Hdf5Dataset&, Hdf5Kind) override {}

 private:
  void write_texts(const Hdf5Dataset& data, const Hdf5Shape& shape, Index size) {
    auto texts = data.strings();
    texts.resize(static_cast<std::size_t>(size));
    if (shape.empty()) out_.write_string(data.path(), texts[0]);
    else out_.write_strings(data.path(), texts);
  }
  bool next() {
    if (wait_ < 0) wait_ = choices_.empty() ? std::numeric_limits<int>::max() : static_cast<int>(choices_.byte() % 64);
    return wait_-- == 0;
  }

  Choices choices_;
  Hdf5File& out_;
  std::string path_;
  int wait_ = -1;
};

// The path of the file that the bytes make of `good`.
inline std::string edited(const std::string& good, std::string_view bytes, const std::string& path) {
  const auto in = Hdf5File::open_image(path, good);
  auto out = Hdf5File::create(path);
  Edit edit(Choices(bytes), out);
  walk(in, path, edit);
  out.commit();
  return path;
}

inline Flow<float> small_flow() {
  auto field = std::make_shared<Mlp<float>>(MlpOptions{.dim = 2, .hidden = {4}});
  Engine engine = make_stream(1, "fuzz.weights");
  field->initialize(engine);
  Flow<float> flow({Cnf<float>(field)}, {BatchNorm<float>(2), BatchNorm<float>(2)});
  flow.base = make_base(BaseKind::mixture, 2, 2, engine);
  return flow;
}

inline std::string good_model() {
  auto out = Hdf5File::create_in_memory("model");
  write_model(out, Model<float>{small_flow(), {.recipe = "data.source = \"moons\"\n", .columns = {"a", "b"},
                                               .metrics = {"{\"best\": true, \"iteration\": 3}"}}});
  return out.image();
}

inline std::string good_checkpoint() {
  auto out = Hdf5File::create_in_memory("checkpoint");
  const auto flow = small_flow();
  write_model(out, Model<float>{flow, {.recipe = "data.source = \"moons\"\n"}});
  const Vector<double> v = Vector<double>::LinSpaced(flow.theta().size(), 0, 1);
  write_training_state(out, {.iteration = 7, .theta = v, .adam = {.m = v, .v = v, .steps = 7}, .ema = {}});
  return out.image();
}

inline std::string good_ffjord() {
  auto out = Hdf5File::create_in_memory("ffjord");
  Mlp<float> field({.dim = 2, .hidden = {4}});
  out.set_attribute("dim", 2), out.set_attribute("hidden", std::vector<std::int64_t>{4});
  out.set_attribute("layer_type", "concatsquash"), out.set_attribute("nonlinearity", "tanh");
  out.set_attribute("num_blocks", 1), out.set_attribute("batch_norm", 0);
  out.set_attribute("mean", std::vector<double>{0, 0}), out.set_attribute("scale", std::vector<double>{1, 1});
  for (const auto& p : field.parameters()) {
    const std::vector<double> values(static_cast<std::size_t>(p.size()), 0.1);
    out.write_values<double>("parameters/" + p.name, p.name.ends_with("weight") ? Hdf5Shape{p.rows, p.cols} : Hdf5Shape{p.rows},
                             values.data());
  }
  const double root = 1;
  out.write_values<double>("parameters/sqrt_end_time", {}, &root);
  return out.image();
}

inline std::string good_table() {
  auto out = Hdf5File::create_in_memory("table");
  const std::vector<double> values(24, 0.5);
  out.write_values<double>("x", {12, 2}, values.data());
  out.dataset("x").set_attribute("columns", std::vector<std::string>{"a", "b"});
  out.write_values<double>("g/a", {12}, values.data());
  out.write_values<double>("g/b", {12}, values.data());
  out.write_values<double>("cube", {3, 4, 2}, values.data());
  auto frame = out.create_group("frame");
  frame.set_attribute("pandas_type", "frame");
  frame.write_strings("axis0", {"u", "v"});
  frame.write_strings("block0_items", {"u", "v"});
  frame.write_values<double>("block0_values", {12, 2}, values.data());
  return out.image();
}

}  // namespace pathline::fuzz
