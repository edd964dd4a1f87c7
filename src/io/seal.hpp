// A checksum of a file's bytes in HDF5's user block, the first 512 bytes, which the HDF5 library skips. The library
// may crash on a damaged file, so the checksum is verified before the library opens it.
#pragma once

#include <cstddef>
#include <string>

namespace pathline {

inline constexpr std::size_t kSealBytes = 512;  // the smallest user block (HDF5 file format specification, II.A)

/// Seals the file at `path`, whose first kSealBytes bytes are free, with the length and the hash of the bytes after
/// them. Throws InputError, "NAME: cannot write: REASON", if reading or writing fails.
void write_seal(const std::string& path, const std::string& name);

/// Verifies a sealed file. Returns false for a file without a seal: one of another program or of an older pathline.
/// Throws InputError, "FILE: damaged: ...", if the seal does not match the bytes, or if the file cannot be read.
bool check_seal(const std::string& file);

}  // namespace pathline
