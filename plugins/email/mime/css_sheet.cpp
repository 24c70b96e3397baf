#include "mime/css_sheet.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "mime/ascii.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

constexpr int kMaxNesting = 8;
constexpr std::size_t kMaxAsides = 20;

// In order of their names.
constexpr std::array<std::pair<std::string_view, Prop>, 96> kProps{
    {{"-webkit-animation", Prop::animation},
     {"-webkit-animation-name", Prop::animation},
     {"-webkit-background-clip", Prop::background_clip},
     {"-webkit-clip-path", Prop::clip_path},
     {"-webkit-filter", Prop::filter},
     {"-webkit-mask", Prop::mask},
     {"-webkit-mask-image", Prop::mask},
     {"-webkit-opacity", Prop::opacity},
     {"-webkit-text-fill-color", Prop::text_fill},
     {"-webkit-text-security", Prop::text_security},
     {"-webkit-text-stroke", Prop::text_stroke},
     {"-webkit-text-stroke-width", Prop::text_stroke},
     {"-webkit-transform", Prop::transform},
     {"animation", Prop::animation},
     {"animation-name", Prop::animation},
     {"background", Prop::background},
     {"background-clip", Prop::background_clip},
     {"background-color", Prop::background_color},
     {"background-image", Prop::background_image},
     {"background-size", Prop::background_size},
     {"block-size", Prop::height},
     {"bottom", Prop::bottom},
     {"box-sizing", Prop::box_sizing},
     {"clip", Prop::clip},
     {"clip-path", Prop::clip_path},
     {"color", Prop::color},
     {"contain", Prop::contain},
     {"content", Prop::content},
     {"content-visibility", Prop::content_visibility},
     {"direction", Prop::direction},
     {"display", Prop::display},
     {"fill", Prop::fill},
     {"filter", Prop::filter},
     {"float", Prop::flt},
     {"font", Prop::font},
     {"font-size", Prop::font_size},
     {"grid-template-rows", Prop::grid_rows},
     {"height", Prop::height},
     {"inline-size", Prop::width},
     {"inset", Prop::inset},
     {"inset-block-end", Prop::bottom},
     {"inset-block-start", Prop::top},
     {"inset-inline-end", Prop::right},
     {"inset-inline-start", Prop::left},
     {"left", Prop::left},
     {"letter-spacing", Prop::letter_spacing},
     {"line-height", Prop::line_height},
     {"margin", Prop::margin},
     {"margin-block-end", Prop::margin_bottom},
     {"margin-block-start", Prop::margin_top},
     {"margin-bottom", Prop::margin_bottom},
     {"margin-inline-end", Prop::margin_right},
     {"margin-inline-start", Prop::margin_left},
     {"margin-left", Prop::margin_left},
     {"margin-right", Prop::margin_right},
     {"margin-top", Prop::margin_top},
     {"mask", Prop::mask},
     {"mask-image", Prop::mask},
     {"max-block-size", Prop::max_height},
     {"max-height", Prop::max_height},
     {"max-inline-size", Prop::max_width},
     {"max-width", Prop::max_width},
     {"min-block-size", Prop::min_height},
     {"min-height", Prop::min_height},
     {"min-inline-size", Prop::min_width},
     {"min-width", Prop::min_width},
     {"mso-hide", Prop::mso_hide},
     {"opacity", Prop::opacity},
     {"overflow", Prop::overflow},
     {"overflow-block", Prop::overflow_y},
     {"overflow-inline", Prop::overflow_x},
     {"overflow-x", Prop::overflow_x},
     {"overflow-y", Prop::overflow_y},
     {"padding", Prop::padding},
     {"padding-block-end", Prop::padding_bottom},
     {"padding-block-start", Prop::padding_top},
     {"padding-bottom", Prop::padding_bottom},
     {"padding-inline-end", Prop::padding_right},
     {"padding-inline-start", Prop::padding_left},
     {"padding-left", Prop::padding_left},
     {"padding-right", Prop::padding_right},
     {"padding-top", Prop::padding_top},
     {"position", Prop::position},
     {"right", Prop::right},
     {"rotate", Prop::rotate},
     {"scale", Prop::scale},
     {"text-align", Prop::text_align},
     {"text-indent", Prop::text_indent},
     {"text-shadow", Prop::text_shadow},
     {"top", Prop::top},
     {"transform", Prop::transform},
     {"translate", Prop::translate},
     {"unicode-bidi", Prop::unicode_bidi},
     {"visibility", Prop::visibility},
     {"white-space", Prop::white_space},
     {"width", Prop::width}}};
constexpr std::array<std::pair<std::string_view, Prop>, 2> kLastProps{
    {{"z-index", Prop::z_index}, {"zoom", Prop::zoom}}};

bool find_prop(std::string_view name, Prop& to) {
  for (const auto& [n, prop] : kLastProps)
    if (n == name) {
      to = prop;
      return true;
    }
  const auto* it = std::lower_bound(kProps.begin(), kProps.end(), name,
                                    [](const auto& row, std::string_view s) { return row.first < s; });
  if (it == kProps.end() || it->first != name) return false;
  to = it->second;
  return true;
}

std::string unescaped(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t i = 0; i < s.size();) {
    if (s[i] == '\\')
      css_escape(s, i, out);
    else
      out += s[i++];
  }
  return out;
}

// The index after the string or escape at `at`; `at` itself for anything else.
std::size_t skip_opaque(std::string_view s, std::size_t at) {
  const char c = s[at];
  if (c == '\\') return std::min(at + 2, s.size());
  if (c != '"' && c != '\'') return at;
  for (std::size_t i = at + 1; i < s.size(); ++i) {
    if (s[i] == '\\')
      ++i;
    else if (s[i] == c || s[i] == '\n')
      return i + 1;
  }
  return s.size();
}

// Where one of `ends` stands outside of strings and brackets, from `at` on; the size when nowhere.
std::size_t find_outside(std::string_view s, std::size_t at, std::string_view ends) {
  int depth = 0;
  while (at < s.size()) {
    if (const std::size_t after = skip_opaque(s, at); after != at) {
      at = after;
      continue;
    }
    const char c = s[at];
    if (depth == 0 && ends.find(c) != ends.npos) return at;
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') depth -= depth > 0;
    if (c == '{' || c == '}')
      depth = 0;  // a bracket that was left open swallows no rule: see the end of parse
    ++at;
  }
  return s.size();
}

// The '}' that closes the block whose inside begins at `at`.
std::size_t block_end(std::string_view s, std::size_t at) {
  int depth = 1;
  while (at < s.size()) {
    if (const std::size_t after = skip_opaque(s, at); after != at) {
      at = after;
      continue;
    }
    if (s[at] == '{') ++depth;
    if (s[at] == '}' && --depth == 0) return at;
    ++at;
  }
  return s.size();
}

void add_declaration(std::string_view text, std::vector<Declaration>& to) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos || text.size() > kMaxValueBytes || to.size() >= kMaxDeclarations) return;
  Declaration d;
  const std::string_view raw_name = trim(text.substr(0, colon));
  std::string name = to_lower(raw_name);
  if (name.find('\\') != name.npos) name = to_lower(unescaped(raw_name));
  if (name.starts_with("--")) {
    d.prop = Prop::custom;
    d.name = name;
  } else if (!find_prop(name, d.prop)) {
    return;
  }
  d.value = to_lower(trim(text.substr(colon + 1)));
  if (d.value.find('\\') != d.value.npos) d.value = to_lower(unescaped(trim(text.substr(colon + 1))));
  if (const std::size_t bang = d.value.rfind('!'); bang != d.value.npos) {
    if (trim(std::string_view(d.value).substr(bang + 1)) == "important") {
      d.important = true;
      d.value.erase(bang);
      d.value = std::string(trim(d.value));
    }
  }
  if (!d.value.empty()) to.push_back(std::move(d));
}

bool supports(std::string_view condition) {
  condition = trim(condition);
  if (istarts_with(condition, "not")) return false;
  return condition.find("-moz-") == condition.npos && condition.find("-ms-") == condition.npos;
}

class SheetParser {
 public:
  explicit SheetParser(Sheet& sheet) : sheet_(sheet) {}

  // Rules; and within a rule (`around`: its selectors as written) declarations too.
  void rules(std::string_view s, const std::string& around, int layer, int depth,
             std::vector<Declaration>* own) {
    if (depth > kMaxNesting) {
      sheet_.cut = true;
      return;
    }
    for (std::size_t at = 0; at < s.size();) {
      while (at < s.size() && (is_space(s[at]) || s[at] == ';' || s[at] == '}')) ++at;
      for (std::string_view mark : {"<!--", "-->"})
        if (s.substr(at).starts_with(mark)) at += mark.size();
      if (at >= s.size()) return;
      if (is_space(s[at])) continue;
      const bool at_rule = s[at] == '@';
      const std::size_t end = find_outside(s, at, at_rule || own ? "{;}" : "{");
      const std::string_view head = trim(s.substr(at, end - at));
      if (end >= s.size() || s[end] != '{') {
        if (own && !at_rule)
          add_declaration(head, *own);
        else if (!at_rule)
          aside(head);
        at = end + 1;
        continue;
      }
      const std::size_t close = block_end(s, end + 1);
      const std::string_view body = s.substr(end + 1, close - end - 1);
      at = std::min(close + 1, s.size());
      if (at_rule)
        at_block(head, body, around, layer, depth, own);
      else if (!(own && head.starts_with("--")))
        rule(head, body, around, layer, depth);
    }
  }

 private:
  void aside(std::string_view text) {
    if (!text.empty() && sheet_.asides.size() < kMaxAsides)
      sheet_.asides.emplace_back(aoh::utf8_prefix(text, 2'000));
  }

  void rule(std::string_view head, std::string_view body, const std::string& around, int layer, int depth) {
    if (sheet_.rules.size() >= kMaxRules) {
      sheet_.cut = true;
      return;
    }
    const std::string selectors = nested(head, around);
    sheet_.selector_bytes += selectors.size();
    if (sheet_.selector_bytes > kMaxSelectorBytes) {
      sheet_.cut = true;
      return;
    }
    Rule rule;
    rule.layer = layer;
    rule.selectors = parse_selectors(selectors);
    const std::size_t place = sheet_.rules.size();
    sheet_.rules.emplace_back();  // what is nested comes later in the order
    std::vector<Declaration> own;
    rules(body, selectors, layer, depth + 1, &own);
    rule.declarations = std::move(own);
    for (const auto& d : rule.declarations) rule.cost += 1 + d.value.size() / 4;
    sheet_.rules[place] = std::move(rule);
  }

  // "& .x" and ".x" within "a, b" (Nesting 1 §3).
  static std::string nested(std::string_view head, const std::string& around) {
    if (around.empty()) return std::string(head);
    const std::string parent = ":is(" + around + ")";
    if (parent.size() > 2'000) return {};
    std::string out;
    for (std::size_t at = 0; at <= head.size();) {
      const std::size_t end = find_outside(head, at, ",");
      const std::string_view one = trim(head.substr(at, end - at));
      if (!out.empty()) out += ',';
      if (one.find('&') == one.npos) {
        out += parent + " ";
        out += one;
      } else {
        for (char c : one) {
          if (c == '&')
            out += parent;
          else
            out += c;
          if (out.size() > 8'000) return {};
        }
      }
      at = end + 1;
    }
    return out;
  }

  void at_block(std::string_view head, std::string_view body, const std::string& around, int layer, int depth,
                std::vector<Declaration>* own) {
    std::size_t n = 1;
    while (n < head.size() && (is_alpha(head[n]) || head[n] == '-')) ++n;
    const std::string name = to_lower(head.substr(1, n - 1));
    const std::string_view what = trim(head.substr(n));
    bool enter = name == "media"      ? media_applies(what)
                 : name == "supports" ? supports(what)
                                      : name == "starting-style";
    if (name == "starting-style") enter = false;
    if (name == "scope" || name == "document") enter = true;
    if (name == "container") enter = !istarts_with(what, "not");
    if (name == "layer") {
      layer = ++sheet_.layers;
      enter = true;
    }
    if (name == "font-face" && to_lower(body).find("data:") != std::string::npos) sheet_.embedded_font = true;
    if (name == "keyframes" || name == "-webkit-keyframes") keyframes(what, body);
    if (enter) rules(body, around, layer, depth + 1, own);
  }

  void keyframes(std::string_view name, std::string_view body) {
    if (sheet_.keyframes.size() >= 100) return;
    Keyframes frames{to_lower(trim(name)), {}};
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t open = find_outside(body, at, "{");
      if (open >= body.size()) break;
      const std::size_t close = block_end(body, open + 1);
      const std::string when = to_lower(trim(body.substr(at, open - at)));
      if (when.find("to") != when.npos || when.find("100%") != when.npos)
        frames.last = parse_declarations(body.substr(open + 1, close - open - 1));
      at = close + 1;
    }
    sheet_.keyframes.push_back(std::move(frames));
  }

  Sheet& sheet_;
};

// Without comments, whose words are kept aside.
std::string without_comments(std::string_view css, std::vector<std::string>* asides) {
  std::string out;
  out.reserve(css.size());
  for (std::size_t at = 0; at < css.size();) {
    if (const std::size_t after = skip_opaque(css, at); after != at) {
      out += css.substr(at, after - at);
      at = after;
    } else if (css.substr(at).starts_with("/*")) {
      const std::size_t end = std::min(css.find("*/", at + 2), css.size());
      const std::string_view words = trim(css.substr(at + 2, end - at - 2));
      if (asides && asides->size() < kMaxAsides && !words.empty())
        asides->emplace_back(aoh::utf8_prefix(words, 2'000));
      at = std::min(end + 2, css.size());
    } else {
      out += css[at++];
    }
  }
  return out;
}

}  // namespace

void parse_sheet(std::string_view css, Sheet& sheet) {
  const std::size_t room = kMaxSheetBytes - std::min(kMaxSheetBytes, sheet.bytes);
  if (css.size() > room) sheet.cut = true;
  css = aoh::utf8_prefix(css, room);
  sheet.bytes += css.size();
  const std::string clean = without_comments(css, &sheet.asides);
  SheetParser(sheet).rules(clean, {}, 0, 0, nullptr);
}

std::vector<Declaration> parse_declarations(std::string_view css) {
  std::string clean;
  if (css.find("/*") != css.npos) {
    clean = without_comments(css, nullptr);
    css = clean;
  }
  std::vector<Declaration> out;
  for (std::size_t at = 0; at < css.size();) {
    const std::size_t end = find_outside(css, at, ";");
    add_declaration(css.substr(at, end - at), out);
    at = end + 1;
  }
  return out;
}

}  // namespace mailroom::mime
