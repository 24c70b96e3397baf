// Templates that are wrong or hostile, and data that is: places, near names, and every limit once.
#include <gtest/gtest.h>

#include <thread>

#include "support/template.hpp"

namespace {
using aoh::Json;
namespace tmpl = aoh::tmpl;

const Json kData = Json::parse(
    R"({"customer":{"name":"Ada","mail":"ada@x.example"},"items":[{"price":1},{"price":2}],"n":5,"nul":null,
    "evil":"a\r\nBcc: x@y.example","tab":"a\tb","nel":"a\u0085b","ls":"a\u2028b","text":"t"})");

std::string repeat(const std::string& s, std::size_t n) {
  std::string out;
  while (n--) out += s;
  return out;
}

tmpl::Loader one(const std::string& text) {
  return [text](std::string_view name) -> std::optional<tmpl::Source> {
    if (name == "gone.html") return std::nullopt;
    return tmpl::Source{std::string(name), text};
  };
}

std::string error(const std::string& text, tmpl::Options o = {}, const tmpl::Loader& loader = {}) {
  try {
    return "gave: " +
           tmpl::Template(text, std::move(o), "mail.txt", loader).render_text(kData).substr(0, 200);
  } catch (const tmpl::TemplateError& e) {
    return e.what();
  }
}

TEST(TemplateErrors, NameFileLineColumnAndTheNearestName) {
  const struct {
    const char *in, *says;
  } rows[] = {
      {"{{ customer.nmae }}",
       "mail.txt line 1, column 4: there is no value 'customer.nmae'; did you mean 'customer.name'? If it "
       "may be absent, write {{ "
       "customer.nmae | default(\"\") }}"},
      {"é\n  {{ costumer.name }}",
       "mail.txt line 2, column 6: there is no value 'costumer.name'; did you mean 'customer.name'? If it"},
      {"äöü {{ zzzzzzz }}",
       "line 1, column 8: there is no value 'zzzzzzz' (known here: customer, items, n, nul,"},
      {"{% if n > 1 and totl %}{% endif %}", "line 1, column 17: there is no value 'totl'"},
      {"{% for item in items %}\n{{ itm.price }}{% endfor %}",
       "line 2, column 4: there is no value 'itm.price'; did you mean 'item.price'?"},
      {"{% for i in items %}{{ i.prise }}{% endfor %}",
       "column 24: there is no value 'i.prise'; did you mean 'i.price'?"},
      {"{{ items[7].price }}", "there is no value 'items.7.price' ('items' is a list of 2)"},
      {"{{ n.x }}", "there is no value 'n.x' ('n' is of type integer)"},
      {"{{ nul }}", "there is no value 'nul': it is null"},
      {"{{ text | upper | sort }}", "column 19: sort needs a list, and this is of type string ('text')"},
      {"{{ nums | uper }}", "there is no filter 'uper'; did you mean 'upper'?"},
      {"{{ text | date }}", "date needs a time as 2026-11-26T08:30:00Z"},
      {"{{ 0 | date('%Q') }}", "date knows no %Q"},
      {"{{ 0 | date('%H', 'Europe/Berlin') }}", "tz is \"UTC\" or an offset"},
      {"{{ text | number(2) }}", "number needs a number"},
      {"{{ text | indent(101) }}", "from 0 to 100"},
      {"{{ text | replace('', 'x') }}", "nothing to look for"},
      {"{{ text | replace('x') }}", "'replace' needs 2 arguments"},
      {"{{ text | join(sep='x') }}", "has no argument 'sep'"},
      {"{{ text | upper(1) }}", "takes no argument"},
      {"{{ n < 'x' }}", "values of the types integer and string have no order"},
      {"{{ 1 < n < 9 }}", "comparisons are not chained"},
      {"{{ text() }}", "column 8: templates call no code"},
      {"{{ text.upper() }}", "templates call no code"},
      {"{{ n | upper | first() | f() }}", "there is no filter 'f'"},
      {"{{ n is even }}", "no test of that name"},
      {"{% fro x in y %}", "there is no block 'fro'; did you mean 'for'?"},
      {"{% import 'os' %}", "there is no block 'import'"},
      {"{% endif %}", "{% endif %} has no block"},
      {"x\n{% if n %}\n", "line 2, column 1: {% if %} that begins here has no {% endif %}"},
      {"{% if n %}{% else %}{% elif n %}{% endif %}", "{% elif %} has no block"},
      {"{% if n }}", "has no meaning in a tag"},
      {"{% for x of items %}{% endfor %}", "'in' is expected"},
      {"{% for in in items %}{% endfor %}", "'in' is a word of the language"},
      {"{% for x in n %}{% endfor %}", "a list or an object is needed"},
      {"{% for a, b in items %}{% endfor %}", "element 0 is none"},
      {"{% raw %}", "has no {% endraw %}"},
      {"{# x", "the comment has no '#}'"},
      {"{% if n", "the block has no '%}'"},
      {"{{ 99999999999999999999 }}", "the number is too large"},
      {"{{ n ! }}", "'!' has no meaning"},
      {"{% include n %}", "a partial's name in quotes"},
      {"{% include 'x' %}", "there are no partials here"},
  };
  for (const auto& r : rows)
    EXPECT_NE(error(r.in).find(r.says), std::string::npos) << r.in << "\n" << error(r.in);
  try {
    tmpl::Template("\n {{ customer.nmae }}", {}, "offer/body.html").render_text(kData);
    FAIL();
  } catch (const tmpl::TemplateError& e) {
    EXPECT_EQ(e.file, "offer/body.html");
    EXPECT_EQ(e.line, 2u);
    EXPECT_EQ(e.column, 5u);
    EXPECT_EQ(e.variable, "customer.nmae");
  }
}

TEST(TemplateErrors, APartialsErrorNamesThePartial) {
  EXPECT_NE(error("{% include 'p.html' %}", {}, one("a\n{{ zip }}"))
                .find("p.html line 2, column 4: there is no value 'zip'"),
            std::string::npos);
  EXPECT_NE(error("{% include 'p.html' %}", {}, one("{{ a b }}")).find("p.html line 1, column 6"),
            std::string::npos);
  EXPECT_NE(
      error("{% include 'gone.html' %}", {}, one("")).find("mail.txt line 1, column 12: there is no partial"),
      std::string::npos);
}

TEST(TemplateHostile, IncludesStayInsideAndEnd) {
  for (const char* name :
       {"../x", "/etc/passwd", "a/../b", ".hidden", "a/.b", "a//b", "a/", "", "a\\\\b", "a b", "a\\nb", "é"})
    EXPECT_NE(error("{% include '" + std::string(name) + "' %}", {}, one("")).find("a partial's name "),
              std::string::npos)
        << name;
  EXPECT_NE(error("{% include '" + std::string(201, 'a') + "' %}", {}, one("")).find("a partial's name"),
            std::string::npos);
  EXPECT_NE(error("{% include 'a' %}", {}, one("{% include 'a' %}"))
                .find("a line 1, column 12: the partial 'a' includes itself"),
            std::string::npos);
  EXPECT_NE(error("{% include 'a' %}", {}, one("{% if no %}{% include 'mail.txt' %}{% endif %}"))
                .find("includes itself"),
            std::string::npos);
}

TEST(TemplateHostile, EveryLimitIsMet) {
  tmpl::Options o;
  const auto has = [](const std::string& e, const char* words) {
    EXPECT_NE(e.find(words), std::string::npos) << e;
  };
  has(error(std::string(o.max_template + 1, 'x')), "at most 262144");
  has(error("{% include 'p' %}", o, one(std::string(o.max_template + 1, 'x'))), "has more than 262144 bytes");
  o.max_output = 100;
  has(error(std::string(101, 'x'), o), "longer than 100 bytes");
  has(error("{{ text | replace('t', '" + std::string(101, 'x') + "') | length }}", o),
      "longer than 100 bytes");
  has(error("{{ text | indent(100, true) | length }}", o), "longer than 100 bytes");
  o = {};
  has(error("{{ n" + repeat("|upper", 9) + " }}"), "more than 8 filters");
  for (const auto& [open, close] : {std::pair{"(", ")"},
                                    {"[", "]"},
                                    {"not ", ""},
                                    {"text[", "]"},
                                    {"1 if n else ", ""},
                                    {"n|default(", ")"}})
    has(error("{{ " + repeat(open, 5'000) + "1" + repeat(close, 5'000) + " }}"),
        std::string_view(open) == "n|default(" ? "more than 8 filters" : "nested deeper than 32");
  has(error(repeat("{% if n %}", 5'000)), "nested deeper than 32");
  has(error(repeat("{% for x in items %}", 5'000)), "nested deeper than 32");
  has(error("{{ n" + repeat(" is none", 5'000) + " }}"), "'|' or '}}' is expected");
  has(error(repeat("{{n}}", 10'001)), "more than 10000 parts");
  has(error("{{ [" + repeat("1,", 10'001) + "] }}"), "more than 10000 parts");
  std::string many;
  for (int i = 0; i < 33; ++i) many += "{% include 'p" + std::to_string(i) + "' %}";
  has(error(many, o, one("x")), "more than 32 partials");
  int depth = 0;
  has(error("{% include 'p' %}", o,
            [&](std::string_view) {
              ++depth;
              return tmpl::Source{"p" + std::to_string(depth), "{% include 'p' %}"};
            }),
      "more than 8 deep");
}

TEST(TemplateHostile, LoopsAndGrowthEnd) {
  tmpl::Options o;
  const auto has = [](const std::string& e, const char* words) {
    EXPECT_NE(e.find(words), std::string::npos) << e;
  };
  const std::string ten = "[1,2,3,4,5,6,7,8,9,0]";
  std::string loops;
  for (int i = 0; i < 9; ++i) loops += "{% for x in " + ten + " %}";
  has(error(loops + "x" + repeat("{% endfor %}", 9), o), "more than 100000 turns");
  // Includes that each include the next ten times: 10^8 at the end.
  has(error("{% include 'p0' %}", o,
            [](std::string_view name) {
              const int n = name[1] - '0';
              return tmpl::Source{std::string(name),
                                  n == 7 ? "" : repeat("{% include 'p" + std::to_string(n + 1) + "' %}", 10)};
            }),
      "more than 100000 turns");
  has(error("{% set x = [1, 1] %}" + repeat("{% set x = [x, x] %}", 40) + "{{ x | length }}"),
      "more work than the limit");
  has(error("{% set x = 1 %}" + repeat("{% set x = [x] %}", 100) + "{{ x | length }}"),
      "more work than the limit");
  has(error("{% set x = 'aaaaaaaaaa' %}" + repeat("{% set x = x | replace('a', 'aaaaaaaaaa') %}", 12) +
            "{{ x | length }}"),
      "longer than 4194304 bytes");
  // Each turn is cheap, the body is not: work ends it before the turns do.
  has(error("{% for a in " + ten + " %}{% for b in " + ten + " %}{% for c in " + ten + " %}{% for d in " +
            ten + " %}" + repeat("{{ n }}", 3'000) + repeat("{% endfor %}", 4)),
      "limit");
  const std::string big =
      "{% set x = " + ten +
      " %}{% for i in x %}{% for j in x %}{% for k in x %}{% for l in x %}{{ (y|upper|length) == 1 }}" +
      repeat("{% endfor %}", 4);
  Json data{{"y", std::string(1u << 20, 'y')}};
  EXPECT_THROW(tmpl::render_text(big, data), tmpl::TemplateError);
}

TEST(TemplateHostile, DataIsNeverATemplateNorAHeaderLine) {
  tmpl::Options header;
  header.header = true;
  for (const char* name : {"evil", "tab", "nel", "ls"}) {
    const std::string e = error(std::string("Re: {{ ") + name + " }}", header);
    EXPECT_NE(e.find("line 1, column 8: the value '" + std::string(name) + "' has a line break"),
              std::string::npos)
        << e;
  }
  EXPECT_NE(error("{{ [text, evil] | join(' ') | upper }}", header).find("the value 'text' has"),
            std::string::npos);
  EXPECT_NE(error("a {{ \"\\n\" }}", header).find("has a line break"), std::string::npos);
  EXPECT_NE(error("a\nb", header).find("line 1, column 2: a header is one line"), std::string::npos);
  EXPECT_EQ(error("{% if n -%}\n a {{ text }}\n{%- endif %}", header), "gave: a t");
  const Json data{{"x", "{% include '/etc/passwd' %}{{ y }}"}, {"y", "<script>"}};
  tmpl::Options html;
  html.html = true;
  EXPECT_EQ(tmpl::render_text("<a title='{{ y }}'>{% set z = x %}{{ z }}", data, html),
            "<a title='&lt;script&gt;'>{% include &#39;/etc/passwd&#39; %}{{ y }}");
}

TEST(TemplateHostile, WhatIsVouchedForDoesNotSpread) {
  tmpl::Options o;
  o.html = true;
  o.safe_paths = {"agent.output_html"};
  const Json data =
      Json::parse(R"({"agent":{"output_html":"<p>","a.output_html":"<x>"},"a":[{"output_html":"<i>"}],
    "agent.output_html":"<k>"})");
  EXPECT_EQ(tmpl::render_text("{{ agent.output_html }}{{ agent['output_html'] }}", data, o), "<p><p>");
  EXPECT_EQ(tmpl::render_text("{% for agent in a %}{{ agent.output_html }}{% endfor %}", data, o),
            "&lt;i&gt;");
  EXPECT_EQ(tmpl::render_text("{% set agent = a[0] %}{{ agent.output_html }}", data, o), "&lt;i&gt;");
  EXPECT_EQ(tmpl::render_text("{{ agent['a.output_html'] }}", data, o), "&lt;x&gt;");
  EXPECT_EQ(tmpl::render_text("{{ agent.output_html | replace('p', a[0].output_html) }}", data, o),
            "<&lt;i&gt;>");
}

TEST(TemplateCompiled, TellsTheVariablesItWants) {
  const tmpl::Template t(
      "{{ customer.name }}{{ greeting | default('Hi') }}{% for i in items | sort(attribute='price') %}{{ "
      "i.price "
      "}}{{ loop.index }}{% endfor %}{% for k, v in rates.items() %}{{ k }}{{ v.x }}{% endfor %}{% if note "
      "is defined and note.a "
      "%}{{ note.a }}{{ note }}{% endif %}{% set total = sum %}{{ total.net }}\n{{ both | default(1) }}{{ "
      "both }}{% include 'p' %}",
      {}, "m", one("{{ footer }}"));
  std::string seen;
  for (const tmpl::Variable& v : t.variables())
    seen += v.path + (v.optional ? "?" : "") + (v.fallback.is_null() ? "" : "=" + v.fallback.dump()) + " ";
  EXPECT_EQ(seen,
            "both=1 customer.name footer greeting?=\"Hi\" items items[].price note? note.a rates rates.*.x "
            "sum sum.net ");
  EXPECT_EQ(t.variables()[0].line, 2u);
  EXPECT_EQ(t.variables()[2].file, "p");
}

TEST(TemplateCompiled, IsRenderedByManyThreads) {
  const tmpl::Template t("{% for x in l %}{{ x | upper }}{{ n }}{% endfor %}");
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t k = 0; k < wrong.size(); ++k)
    threads.emplace_back([&t, &bad = wrong[k], k] {
      const Json data{{"l", Json::array({"a", "b"})}, {"n", k}};
      const std::string n = std::to_string(k);
      for (int i = 0; i < 500; ++i) bad += t.render_text(data) != "A" + n + "B" + n;
    });
  for (auto& thread : threads) thread.join();
  for (const int bad : wrong) EXPECT_EQ(bad, 0);
}
}  // namespace
