// libFuzzer: templates. Whatever the text, it is refused with a TemplateError or rendered within the limits.
#include <cstdint>

#include "support/template.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace tmpl = aoh::tmpl;
  static const aoh::Json scope = aoh::Json::parse(
      R"({"a":"x<y","n":3,"f":2.5,"t":true,"z":null,"l":["b","a"],"i":[{"k":1},{"k":2}],"o":{"x":"1","y":"2"},
      "d":"2026-11-26T08:00:00Z"})");
  const std::string text(reinterpret_cast<const char*>(data), size);
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
    if (out.size() > o.max_output) __builtin_trap();
    if (o.header && out.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) __builtin_trap();
    t.render(scope);
  } catch (const tmpl::TemplateError&) {
  }
  return 0;
}
