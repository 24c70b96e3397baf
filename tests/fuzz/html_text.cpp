// HTML to text: within its limits whatever the markup, nothing hidden in it, everything plain in it.
#include "mime/html_text.hpp"
#include "fuzz.hpp"
#include "mime/html_guard.hpp"
#include "mime/html_tags.hpp"
#include "mime/inline_images.hpp"
#include "mime/parse.hpp"
#include "mime/thread.hpp"
#include "mime/unicode.hpp"

namespace mailroom::fuzz {
namespace {

using namespace mime;

void read(std::string_view html) {
  const std::string text = html_to_text(html);
  must_be_utf8(text, "text is UTF-8");
  must(text.find('\r') == std::string::npos, "line ends of text are LF");
  const std::string some = html_to_text(html, 20);
  must(some.size() <= 20, "text is within its limit");
  must_be_utf8(some, "text is UTF-8 where it is cut");
  // <svg> and <math> grow by two characters each.
  must(guard_html(html, nullptr).html.size() <= kMaxHtmlBytes + html.size(),
       "guarded HTML is within its limit");
  strip_tags(html);
  std::size_t tags = 0;
  for (HtmlTags t(html); t.next(); ++tags) {
    must(t.attributes().size() <= 200, "attributes are counted");
    for (const HtmlAttribute& a : t.attributes()) without_references(a.value);
  }
  must(tags <= html.size() / 2, "a tag has at least two characters");
  try {
    const InlineHtml in = inline_images(html, "token@example.org", 5, 10'000);
    must(in.images.size() <= 5, "images are counted");
  } catch (const Failure& f) {
    must(f.error.code == Errc::invalid || f.error.code == Errc::limit,
         "images are refused as invalid or too many");
  }
}

constexpr std::string_view kMarker = "Zq7mArKeR";

struct Hiding {
  std::string_view open, close;
  bool told;  // is a warning due?
};
constexpr Hiding kHiding[] = {
    {"<div style=\"display:none !important\">", "</div>", true},
    {"<p style='visibility:hidden !important'>", "</p>", true},
    {"<div style=\"opacity:0!important\">", "</div>", true},
    {"<!-- ", " -->", false},
    {"<script>", "</script>", false},
    {"<style>", "</style>", false},
};

/// Text before it cannot show a hidden element, nor can markup behind its end.
void hide(std::string_view before, std::string_view behind) {
  const Hiding& way = kHiding[(before.size() + behind.size()) % std::size(kHiding)];
  std::string html(before);
  html += way.open;
  html += kMarker;
  html += way.close;
  html += behind;
  const HtmlText seen = read_html(html, 4u << 20);
  const bool limited = std::any_of(seen.warnings.begin(), seen.warnings.end(),
                                   [](const Warning& w) { return w.code == "limit_css"; });
  must(limited || seen.text.find(kMarker) == std::string::npos, "what is hidden stays hidden");
  must(!way.told || !seen.warnings.empty(), "what is hidden is told");
  for (const Warning& w : seen.warnings) {
    must_be_utf8(w.detail, "a warning is UTF-8");
    must(!w.code.empty(), "a warning has a code");
  }
}

/// Everything but blanks, and but what is not drawn; HTML knows no NUL.
std::string letters(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_char(text, at);
    if (c > ' ' && c != 0xA0 && c != 0xFFFD && c != 0x2800 && !is_control(c) && !is_invisible(c))
      put_char(out, c);
  }
  return out;
}

}  // namespace

FUZZ_TARGET(html_text) {
  read(data);
  const std::size_t tag = std::min(data.find('<'), data.size());
  if (data.find(kMarker) == std::string_view::npos) hide(data.substr(0, tag), data.substr(tag));
  const std::string text = aoh::valid_utf8(data);
  const std::string html = text_to_html(text);
  const bool turned = text.find("\u202E") != std::string::npos;  // read from right to left
  if (html.size() < kMaxHtmlBytes / 2 && !turned)
    must(letters(html_to_text(html)) == letters(text), "plain text stays itself through HTML");
}

}  // namespace mailroom::fuzz
