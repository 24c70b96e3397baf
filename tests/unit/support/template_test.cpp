#include "support/template.hpp"

#include <gtest/gtest.h>

namespace {
using aoh::Json;
namespace tmpl = aoh::tmpl;

Json scope() {
  return Json::parse(
      R"({"email":{"subject":"A & <b>","from":[{"name":"Ann","address":"ann@x.example"},{"address":"b@x.example"}],
    "n":3,"tags":["x","y"],"empty":""},"agent":{"output_html":"<p>hi</p>"}})");
}

TEST(Template, RendersText) {
  const struct {
    const char *in, *out;
  } rows[] = {
      {"plain { text }", "plain { text }"},
      {"Re: {{ email.subject }}", "Re: A & <b>"},
      {"{{email.from}}", "Ann <ann@x.example>, b@x.example"},
      {"{{ email.from.1.address }}", "b@x.example"},
      {"{{ email.n }}{# said nothing #}!", "3!"},
      {"{{ email.tags | join(\"-\") | upper }}", "X-Y"},
      {"{{ email.nothing | default('none') }}", "none"},
      {"{{ email.empty | default('none') }}", ""},
      {"{{ email.subject | truncate(1) }}", "A…"},
      {"{{ email.tags | length }}", "2"},
  };
  for (const auto& r : rows) EXPECT_EQ(tmpl::render_text(r.in, scope()), r.out) << r.in;
}

TEST(Template, ALonePlaceholderKeepsItsType) {
  EXPECT_TRUE(tmpl::render("{{ email.from }}", scope()).is_array());
  EXPECT_TRUE(tmpl::render(" {{ email.from }}", scope()).is_string());
  EXPECT_EQ(tmpl::render("{{ email.n }}", scope()), Json(3));
}

TEST(Template, EscapesHtmlUnlessVouchedFor) {
  tmpl::Options o;
  o.html = true;
  o.safe_paths = {"agent.output_html"};
  EXPECT_EQ(tmpl::render_text("<i>{{ email.subject }}</i>{{ agent.output_html }}", scope(), o),
            "<i>A &amp; &lt;b&gt;</i><p>hi</p>");
}

TEST(Template, ValuesAreNeverTemplatesThemselves) {
  EXPECT_EQ(tmpl::render_text("{{ x }}", Json{{"x", "{{ email.subject }}"}}), "{{ email.subject }}");
}

TEST(Template, ErrorsNamePlaceAndCure) {
  const struct {
    const char *in, *says;
  } rows[] = {
      {"a\n {{ email.nothing }}", "line 2, column 5: there is no value 'email.nothing'"},
      {"{{ a | shout }}", "there is no filter 'shout'; known: capitalize"},
      {"{{ a", "has no '}}'"},
      {"{{ }}", "a variable's name is expected"},
      {"{% for x in a %}", "{% for %} that begins here has no {% endfor %}"},
      {"{{ a b }}", "'|' or '}}' is expected"},
      {"{{ a | truncate }}", "needs an argument"},
      {"{{ a | default('x }}", "no closing quote"},
  };
  for (const auto& r : rows) try {
      tmpl::render_text(r.in, Json{{"a", 1}});
      FAIL() << "accepted: " << r.in;
    } catch (const tmpl::TemplateError& e) {
      EXPECT_NE(std::string(e.what()).find(r.says), std::string::npos) << e.what();
    }
}

TEST(Template, OutputIsLimited) {
  tmpl::Options o;
  o.max_output = 10;
  EXPECT_THROW(tmpl::render_text("{{ a }}{{ a }}", Json{{"a", "123456"}}, o), tmpl::TemplateError);
  o.max_template = 3;
  EXPECT_THROW(tmpl::check("1234", o), tmpl::TemplateError);
}
}  // namespace
