// Templates. Whatever the text, it is refused with a TemplateError or rendered within the limits.
#include "support/template.hpp"

#include "fuzz.hpp"

namespace mailroom::fuzz {

FUZZ_TARGET(template_text) {
  namespace tmpl = aoh::tmpl;
  const std::size_t size = data.size();
  static const aoh::Json scope = aoh::Json::parse(
      R"({"a":"x<y","n":3,"f":2.5,"t":true,"z":null,"l":["b","a"],"i":[{"k":1},{"k":2}],"o":{"x":"1","y":"2"},
      "d":"2026-11-26T08:00:00Z"})");
  const std::string text(data);
  tmpl::Options o;
  o.html = size % 2 != 0;
  o.header = size % 3 == 0;
  o.absent_is_null = size % 5 == 0;
  o.max_output = 1u << 16;
  o.max_work = 1u << 18;
  const tmpl::Loader loader = [&](std::string_view name) -> std::optional<tmpl::Source> {
    if (name != "p") return std::nullopt;
    return tmpl::Source{"p", text.substr(text.size() / 2)};
  };
  try {
    const tmpl::Template t(text, o, "t", loader);
    t.variables();
    const std::string out = t.render_text(scope);
    must(out.size() <= o.max_output, "a text is within its limit");
    if (o.header)
      must(out.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos, "a header is one line");
    t.render(scope);
  } catch (const tmpl::TemplateError&) {
  }
}

}  // namespace mailroom::fuzz
