// The page of `pathline report`: complete, self-contained, small, and safe whatever a file says.
#include <filesystem>
#include <string>

#include <gmock/gmock.h>

#include "app/markup.hpp"
#include "app/report_page.hpp"
#include "app/svg_chart.hpp"
#include "paths.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kReported = source_dir() + "/models/";

TEST(Markup, NothingOfAFileIsATag) {
  EXPECT_EQ(escaped("<b a='1' c=\"2\">&\n\x1b"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\n\\x1b");
  EXPECT_EQ(inside_script("{\"a\":\"</script><!--&\"}"), "{\"a\":\"\\u003c/script\\u003e\\u003c!--\\u0026\"}");
  EXPECT_EQ(base64(std::string("Man")), "TWFu");
  EXPECT_EQ(base64(std::string("Ma")), "TWE=");
  EXPECT_EQ(base64(std::string("M")), "TQ==");
  EXPECT_EQ(base64(std::string()), "");
  EXPECT_EQ(base64(std::vector<std::uint16_t>{0x0102, 0xfffe}), "AgH+/w==");
  EXPECT_EQ(filled("a {{x}} b {{y}}{{x}}", {{"x", "{{y}}"}, {"y", "2"}}), "a {{y}} b 2{{y}}");
  EXPECT_THROW(filled("{{z}}", {}), std::logic_error);
}

TEST(SvgChart, HasItsLinesAndNothingOfNothing) {
  const std::string chart =
      svg_chart("<t>", {{"a<", {0, 1, 2}, {1, std::nan(""), 3}}, {"b", {0, 1}, {2, 3}}}, "x&", "y");
  EXPECT_THAT(chart, HasSubstr("&lt;t&gt;"));
  EXPECT_THAT(chart, Not(HasSubstr("a<")));
  EXPECT_THAT(chart, HasSubstr("x&amp;"));
  EXPECT_THAT(chart, HasSubstr("class=\"line second\" d=\"M"));
  EXPECT_EQ(svg_chart("t", {{"a", {0}, {1}}}, "x", "y"), "");
  EXPECT_EQ(svg_chart("t", {}, "x", "y"), "");
}

class Report : public ScriptedProgram {
 protected:
  // The tags are closed in their order, ids are unique, nothing points outside; prints the number of sections.
  std::string parsed(const std::string& name) const {
    return python(R"(
from html.parser import HTMLParser
VOID = {'meta', 'img', 'input', 'br', 'link', 'path'}
class Page(HTMLParser):
  def __init__(self):
    super().__init__(); self.open = []; self.ids = []; self.sections = 0; self.scripts = 0
  def handle_starttag(self, tag, attributes):
    a = dict(attributes)
    if tag not in VOID: self.open.append(tag)
    if 'id' in a: self.ids.append(a['id'])
    self.sections += tag == 'section'; self.scripts += tag == 'script'
    for key in ('src', 'href', 'action', 'data'):
      if key in a: assert a[key].startswith('data:'), a[key]
    assert not any(k.startswith('on') for k in a), a
  def handle_startendtag(self, tag, attributes): pass
  def handle_endtag(self, tag):
    assert self.open and self.open[-1] == tag, (tag, self.open); self.open.pop()
text = open(')" + name +
                  R"(', encoding='utf-8').read()
page = Page(); page.feed(text); page.close()
assert not page.open, page.open
assert len(page.ids) == len(set(page.ids)), page.ids
assert 'http:' not in text and 'https:' not in text
assert 'Content-Security-Policy' in text
import json
data = text.split('id="flow-data">')[1].split('</script>')[0]
flow = json.loads(data)
print(page.sections, page.scripts, len(text) < 3e6, flow['columns'] if flow else None)
)");
  }
};

TEST_F(Report, OfAToyIsOnePageBelowThreeMegabytesSlow) {
  const auto got = run({"report", kReported + "moons.h5", "-o", file("r.html"), "--no-verify", "--quiet"});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_EQ(parsed("r.html"), "5 2 True ['x1', 'x2']\n");
}

TEST_F(Report, NamesThatAreTagsStayTextSlow) {
  const std::string evil = "<img src=x onerror=alert(1)>", end = "</script><script>alert(2)</script>";
  put(
      "evil.csv", evil + "," + end + ",c\n" + [] {
        std::string rows;
        for (int i = 0; i < 200; ++i)
          rows += std::to_string(i % 17) + "." + std::to_string(i) + "," + std::to_string((i * i) % 23) + ".5," +
                  std::to_string(i) + "\n";
        return rows;
      }());
  ASSERT_EQ(run({"train", file("evil.csv"), "-o", file("run"), "--iterations", "4", "--quiet", "--set",
                 "model.hidden=4", "--set", "train.evaluate_every=2"})
                .code,
            0);
  const auto got = run({"report", file("run"), "-o", file("r.html"), "--no-verify", "--quiet", "--title", evil + end});
  ASSERT_EQ(got.code, 0) << got.err;
  const std::string page = get("r.html");
  EXPECT_THAT(page, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(parsed("r.html"), HasSubstr("True ['" + evil + "', '" + end + "', 'c']"));
}

TEST_F(Report, ChecksOfTheModelStandInItsTable) {
  ReportPage page;
  page.title = "t";
  page.checks = {{.name = "integral", .figure = 0.5, .bound = 0.1, .verdict = Verdict::fail, .detail = "<off>"}};
  const std::string html = html_of(page);
  EXPECT_THAT(html, HasSubstr("<td class=\"fail\">FAIL</td>"));
  EXPECT_THAT(html, HasSubstr("&lt;off&gt;"));
  EXPECT_THAT(html, HasSubstr("id=\"flow-data\">null</script>"));
}

TEST_F(Report, SimplerModelsStandBesideItsOwnFigure) {
  ReportPage page;
  page.title = "t", page.nll = 4.2, page.nll_error = 0.1;
  page.yardstick = Yardstick{};
  page.yardstick->components = 1, page.yardstick->mixture_nll = 4.5, page.yardstick->gaussian_nll = 4.6;
  EXPECT_THAT(html_of(page), HasSubstr("a mixture of 1 Gaussian</th><td class=\"number\">4.5000</td>"));
  page.yardstick->components = 3;
  EXPECT_THAT(html_of(page), HasSubstr("a mixture of 3 Gaussians</th>"));
}

TEST_F(Report, WrongNamesAreRefused) {
  EXPECT_THAT(run({"report", kReported + "moons.h5", "-o", file("r.txt")}).err,
              HasSubstr("expected a name that ends with .html"));
  EXPECT_EQ(run({"report", file("no.h5"), "-o", file("r.html")}).code, 2);
  EXPECT_EQ(files(), 0);
}

}  // namespace
}  // namespace pathline
