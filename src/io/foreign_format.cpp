#include "io/foreign_format.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include "core/utf8.hpp"

namespace pathline {
namespace {

struct ForeignFormat {
  const char* name;
  std::vector<std::string_view> beginnings, suffixes;
  const char* conversion;
};

const std::vector<ForeignFormat>& foreign_formats() {
  using namespace std::string_view_literals;
  static const std::vector<ForeignFormat> formats = {
      {"an HDF5 file", {"\x89HDF"}, {}, "mv FILE FILE.h5"},
      {"an NPY file", {"\x93NUMPY"}, {}, "mv FILE FILE.npy"},
      {"a ZIP archive, as an Excel workbook is one",
       {"PK\x03\x04"},
       {".xlsx", ".ods"},
       "pandas.read_excel(FILE).to_csv('x.csv', index=False)"},
      {"an old Excel workbook", {"\xD0\xCF\x11\xE0"}, {".xls"}, "pandas.read_excel(FILE).to_csv('x.csv', index=False)"},
      {"a Parquet file", {"PAR1"}, {".parquet"}, "pandas.read_parquet(FILE).to_csv('x.csv', index=False)"},
      {"a Feather or Arrow file",
       {"ARROW1", "FEA1"},
       {".feather", ".arrow"},
       "pandas.read_feather(FILE).to_csv('x.csv', index=False)"},
      {"JSON or a printed array",
       {"{", "[[", "[{"},
       {".json", ".jsonl"},
       "pandas.read_json(FILE).to_csv('x.csv', index=False), or numpy.savetxt of the array"},
      {"a pickle of Python",
       {"\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"},
       {".pkl", ".pickle"},
       "pandas.read_pickle(FILE).to_csv('x.csv', index=False)"},
      {"a MATLAB file",
       {"MATLAB 5.0 MAT-file"},
       {".mat"},
       "MATLAB's writematrix(x, 'x.csv'); one of version 7.3 is HDF5: name it .h5, and transpose its arrays"},
      {"a ROOT file",
       {"root\0"sv},
       {".root"},
       "uproot.open(FILE)['tree'].arrays(library='pd').to_csv('x.csv', index=False)"},
      {"a FITS file", {"SIMPLE  ="}, {".fits", ".fit"}, "astropy.table.Table.read(FILE).write('x.csv')"},
      {"XML or HTML, as a VOTable is",
       {"<?xml", "<VOTABLE", "<!DOCTYPE", "<!doctype", "<html", "<HTML", "<table"},
       {".xml", ".vot", ".votable"},
       "astropy.table.Table.read(FILE, format='votable').write('x.csv'), or pandas.read_html(FILE)[0].to_csv('x.csv')"},
      {"a table between bars, as IPAC's or one in Markdown",
       {"|", "\\"},
       {".tbl", ".ipac"},
       "astropy.table.Table.read(FILE, format='ascii.ipac').write('x.csv'); in Markdown, remove the bars and the "
       "second "
       "line"},
      {"a table in a frame, as of ROOT's TTree::Scan", {"****", "+--"}, {}, "tr -d '*|+' < FILE > x.txt"},
      {"a netCDF file",
       {"CDF\x01", "CDF\x02"},
       {".nc", ".nc4"},
       "xarray.open_dataset(FILE).to_dataframe().to_csv('x.csv', index=False)"},
      {"a SQLite database",
       {"SQLite format 3"},
       {".sqlite", ".db"},
       "sqlite3 -header -csv FILE 'select * from TABLE' > x.csv"},
      {"a file of R", {}, {".rds", ".rda", ".rdata"}, "R's write.csv(x, 'x.csv', row.names = FALSE)"},
      {"compressed by bzip2", {"BZh"}, {".bz2"}, "bunzip2 -k FILE, or gzip in place of bzip2"},
      {"compressed by xz",
       {"\xFD"
        "7zXZ"},
       {".xz"},
       "unxz -k FILE, or gzip in place of xz"},
      {"compressed by Zstandard", {"\x28\xB5\x2F\xFD"}, {".zst"}, "unzstd FILE, or gzip in place of zstd"},
      {"a ZIP archive", {}, {".zip"}, "unzip FILE"}};
  return formats;
}

}  // namespace

std::string foreign_format(std::string_view first_line) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < '\t'; };
  const bool binary =
      !is_utf8(std::string(first_line)) || std::any_of(first_line.begin(), first_line.end(), is_control);
  for (const auto& format : foreign_formats())
    for (const auto beginning : format.beginnings)
      if (first_line.starts_with(beginning) && (binary || !std::isalpha(static_cast<unsigned char>(beginning[0]))))
        return std::string(format.name) + ", not a text table; convert it with " + format.conversion;
  return "";
}

std::string conversion_advice(const std::string& file) {
  for (const auto& format : foreign_formats())
    for (const auto suffix : format.suffixes)
      if (file.ends_with(suffix)) return std::string("; convert this file with ") + format.conversion;
  return "";
}

}  // namespace pathline
