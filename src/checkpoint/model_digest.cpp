#include "checkpoint/model_digest.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "checkpoint/model_part.hpp"

namespace pathline::model_file {

void write_digest(Hdf5File& out, const std::string& file) { out.set_attribute("digest", content_digest(out, file)); }

template <class S> void check_digest(const std::string& file, const Hdf5File& in, const ModelCard& card,
                                     const Flow<S>& flow, const Vector<double>& theta) {
  const auto found =
      card.format_version == 1 ? digest_of_format_1(in, flow.parameters(), theta) : content_digest(in, file);
  if (found != card.digest)
    throw DigestError(fmt::format("{}: digest {}, expected {}: the model was changed after it was written", file, found,
                                  card.digest));
}

InputError with_digest(const std::string& file, const Hdf5File& in, const InputError& error) {
  const InputError named = in_file(file, error);
  try {
    const auto found = content_digest(in, file), expected = in.attribute<std::string>("digest");
    if (in.attribute<std::int64_t>("format_version") == 1 || found == expected) return named;
    return InputError(fmt::format("{} (digest {}, expected {}: the model was changed after it was written)",
                                  named.what(), found, expected));
  } catch (const InputError&) {
    return named;
  }
}

#define PATHLINE_INSTANTIATE(S)                                                                     \
  template void check_digest(const std::string&, const Hdf5File&, const ModelCard&, const Flow<S>&, \
                             const Vector<double>&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline::model_file
