#include "io/hdf5_error.hpp"

#include <algorithm>

#include "pathline/core/error.hpp"

namespace pathline::hdf5 {

std::atomic<long> g_failures{0};

std::string reason() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD,
           [](unsigned n, const H5E_error2_t* error, void* out) -> herr_t {
             if (n == 0 && error->desc) *static_cast<std::string*>(out) = error->desc;
             return 0;
           },
           &text);
  const std::string key = "error message = '";
  if (const auto begin = text.find(key); begin != std::string::npos)
    text = text.substr(begin + key.size(), text.find('\'', begin + key.size()) - begin - key.size());
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "the HDF5 library gives no reason" : text;
}

std::string list_text(const std::vector<std::string>& names) {
  constexpr std::size_t most = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > most) text += ", ...";
  return text.empty() ? "nothing" : text;
}

void refuse_other_file(const std::string& where, const std::string& what, const std::string& other) {
  throw InputError(where + ": " + what + " another file, '" + other + "'; only files that are named are opened");
}

}  // namespace pathline::hdf5
