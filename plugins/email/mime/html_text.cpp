// Guard, gumbo, style sheets, the walk, and what is told of it.
#include "mime/html_text.hpp"

#include <gumbo.h>

#include <algorithm>
#include <string>
#include <vector>

#include "mime/ascii.hpp"
#include "mime/hidden_text.hpp"
#include "mime/html_guard.hpp"
#include "mime/html_style.hpp"
#include "mime/html_walk.hpp"
#include "mime/invisible.hpp"
#include "mime/parse.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

constexpr std::uint64_t kMaxMatching = 8'000'000;  // steps of some 50 ns

// The <style> elements that count, in order.
void gather(const GumboNode* root, Sheet& sheet) {
  std::vector<const GumboNode*> open{root};
  std::vector<const GumboNode*> found;
  while (!open.empty()) {
    const GumboNode* n = open.back();
    open.pop_back();
    const GumboTag tag = n->v.element.tag;
    if (tag == GUMBO_TAG_NOSCRIPT || n->type == GUMBO_NODE_TEMPLATE) continue;
    if (tag == GUMBO_TAG_STYLE) {
      found.push_back(n);
      continue;
    }
    const auto& children = n->v.element.children;
    for (unsigned i = children.length; i > 0; --i) {
      const auto* child = static_cast<const GumboNode*>(children.data[i - 1]);
      if (child->type == GUMBO_NODE_ELEMENT || child->type == GUMBO_NODE_TEMPLATE) open.push_back(child);
    }
  }
  for (const GumboNode* n : found) {
    const std::string_view type = trim(attribute(n, "type"));
    if ((!type.empty() && !iequals(type, "text/css")) || !media_applies(attribute(n, "media"))) continue;
    const auto& children = n->v.element.children;
    for (unsigned i = 0; i < children.length; ++i) {
      const auto* child = static_cast<const GumboNode*>(children.data[i]);
      if (child->type == GUMBO_NODE_TEXT) parse_sheet(child->v.text.text, sheet);
    }
  }
}

std::string folded(std::string_view s) {
  std::string out;
  for (char c : s)
    if (!is_space(c)) out += lower(c);
  return out;
}

}  // namespace

HtmlText read_html(std::string_view html, std::size_t max_bytes, std::string_view subject) {
  HtmlText out;
  HiddenLog log;
  const Guarded guarded = guard_html(html, &log);
  GumboArena arena;
  const GumboNode* root = arena.parse(guarded.html);
  if (!root) {
    out.text = aoh::utf8_prefix(strip_tags(guarded.html), max_bytes);
    log.note("limit_css", "the HTML is too large to tell what of its text is hidden");
  } else {
    Sheet sheet;
    if (guarded.styles) gather(root, sheet);
    for (const auto& words : sheet.asides) log.comment(words);
    if (sheet.embedded_font)
      log.note("embedded_font", "the message brings a font of its own: its letters may look like others");
    bool cut = sheet.cut;
    Styler styler(std::move(sheet), guarded.quirks, kMaxMatching);
    out.text = walk_html(root, styler, log, max_bytes);
    cut = cut || styler.exhausted();
    if (cut) log.note("limit_css", "the style sheets are too large to tell all that they hide");
  }
  out.text = clean_invisible(out.text, log);
  const std::string title = folded(guarded.title);
  if (is_prose(guarded.title) && title != folded(subject) &&
      folded(out.text).find(title) == std::string::npos)
    log.add("hidden_element", "<title>", guarded.title);
  out.warnings = log.warnings();
  return out;
}

std::string html_to_text(std::string_view html, std::size_t max_bytes) {
  return read_html(html, max_bytes).text;
}

}  // namespace mailroom::mime
