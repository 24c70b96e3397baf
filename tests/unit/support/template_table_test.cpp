// Templates by table: template_cases.json (which template_jinja_test.py gives to Jinja too), and the examples
// of docs/templates.md.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "support/template.hpp"

namespace {
using aoh::Json;
namespace tmpl = aoh::tmpl;

std::string file(const std::string& path) {
  const char* root = std::getenv("MAILROOM_SOURCE_DIR");
  std::ifstream in((root ? root : "") + ("/" + path));
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(in.good()) << path;
  return text.str();
}

tmpl::Loader partials(const Json& texts) {
  return [texts](std::string_view name) -> std::optional<tmpl::Source> {
    const Json* text = texts.find(name);
    if (!text) return std::nullopt;
    return tmpl::Source{std::string(name), text->str()};
  };
}

std::string render(const Json& c, const Json& data) try {
  tmpl::Options o;
  o.html = c["html"].boolean();
  return tmpl::Template(c["template"].str(), o, "t", partials(c["partials"])).render_text(data);
} catch (const tmpl::TemplateError& e) {
  return e.what();
}

TEST(TemplateTable, GivesWhatItSays) {
  const Json table = Json::parse(file("tests/unit/support/template_cases.json"));
  ASSERT_GE(table["cases"].size(), 120u);
  for (const Json& c : table["cases"].items())
    EXPECT_EQ(render(c, table["data"]), c["out"].str()) << c["template"].str();
}

/// The next fenced block of that language at or behind `at`, which moves behind it.
std::optional<std::string> fence(const std::string& text, const std::string& language, std::size_t& at) {
  const std::string open = "\n```" + language + "\n";
  const std::size_t begin = text.find(open, at);
  if (begin == std::string::npos) return {};
  const std::size_t from = begin + open.size(), end = text.find("```\n", from);
  at = end;
  return text.substr(from, end - from);
}

TEST(TemplateTable, TheDocumentationsExamplesHold) {
  const std::string page = file("docs/templates.md");
  std::size_t at = 0, examples = 0;
  while (const auto text = fence(page, "jinja", at)) {
    std::size_t behind = at;
    const auto data = fence(page, "json", behind);
    const auto out = fence(page, "text", behind);
    ASSERT_TRUE(data && out) << *text;
    Json c{{"template", *text}};
    c.set("html", text->find("<p>") != std::string::npos);
    EXPECT_EQ(render(c, Json::parse(*data)), *out) << *text;
    ++examples;
  }
  EXPECT_GE(examples, 5u);
}
}  // namespace
