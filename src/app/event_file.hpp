// An event file of TensorBoard, with numbers by iteration.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace pathline {

// CRC-32C (Castagnoli; RFC 3720, B.4).
std::uint32_t crc32c(std::string_view bytes);

struct Scalar {
  std::string tag;  // "loss/validation"
  double value;     // written as a float
};

// The file is a sequence of TFRecords (tensorflow/core/lib/io/record_writer.h), each an Event of
// tensorflow/core/util/event.proto: length, its checksum, the message, its checksum.
class EventFile {
 public:
  // DIRECTORY/events.out.tfevents.SECONDS.HOST. InputError if it cannot be made.
  explicit EventFile(const std::string& directory);

  // Values that are not finite are written too, as TensorBoard shows them.
  void add(std::int64_t step, const std::vector<Scalar>& scalars);
  bool failed() const { return !out_; }
  const std::string& path() const { return path_; }

 private:
  void write(const std::string& event);

  std::string path_;
  std::ofstream out_;
};

}  // namespace pathline
