#include "mime/css_sheet.hpp"

#include <algorithm>

#include "mime/ascii.hpp"
#include "mime/css_value.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

constexpr int kMaxNesting = 8;
constexpr std::size_t kMaxAsides = 20;
constexpr std::size_t kMaxLayers = 200;

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
  if (!d.value.empty() || d.prop == Prop::custom) to.push_back(std::move(d));
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
        else if (istarts_with(head, "@layer"))  // "@layer a, b;" says their order
          for (auto name : Words(head.substr(6), ',')) layer_of(name);
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
    bool enter = name == "media" ? media_applies(what) : name == "supports" ? supports_applies(what) : false;
    if (name == "scope" || name == "document") enter = true;
    if (name == "container") enter = !istarts_with(what, "not");
    if (name == "layer") {
      layer = layer_of(what);
      enter = true;
    }
    if (name == "font-face" && to_lower(body).find("data:") != std::string::npos) sheet_.embedded_font = true;
    if (name == "keyframes" || name == "-webkit-keyframes") keyframes(what, body);
    if (enter) rules(body, around, layer, depth + 1, own);
  }

  // A layer's place: a name has one, without a name each is a new one.
  int layer_of(std::string_view name) {
    auto& names = sheet_.layer_names;
    const auto it = name.empty() ? names.end() : std::find(names.begin(), names.end(), name);
    if (it != names.end()) return static_cast<int>(it - names.begin()) + 1;
    if (names.size() < kMaxLayers) names.emplace_back(name);
    return static_cast<int>(names.size());
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
