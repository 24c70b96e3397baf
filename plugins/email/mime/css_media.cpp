// Media queries, answered for one reader: a desktop screen, light, 1280 by 800 CSS pixels (Media Queries 5).
#include <algorithm>
#include <array>

#include "mime/ascii.hpp"
#include "mime/css_sheet.hpp"
#include "mime/css_value.hpp"
#include "mime/html_style.hpp"

namespace mailroom::mime {
namespace {

// What this reader has for a feature that is asked for by a word, and for one that is asked for by a length.
struct Known {
  std::string_view name, word;
  float size;  // negative: none
};
constexpr std::array<Known, 32> kReader{{{"width", "", kPageWidth},
                                         {"height", "", kPageHeight},
                                         {"device-width", "", kPageWidth},
                                         {"device-height", "", kPageHeight},
                                         {"resolution", "", 1},
                                         {"device-pixel-ratio", "", 1},
                                         {"-webkit-device-pixel-ratio", "", 1},
                                         {"aspect-ratio", "", 1.6F},
                                         {"device-aspect-ratio", "", 1.6F},
                                         {"color", "", 8},
                                         {"monochrome", "", 0},
                                         {"grid", "", 0},
                                         {"orientation", "landscape", -1},
                                         {"hover", "hover", -1},
                                         {"any-hover", "hover", -1},
                                         {"pointer", "fine", -1},
                                         {"any-pointer", "fine", -1},
                                         {"prefers-color-scheme", "light", -1},
                                         {"prefers-reduced-motion", "no-preference", -1},
                                         {"prefers-reduced-transparency", "no-preference", -1},
                                         {"prefers-contrast", "no-preference", -1},
                                         {"forced-colors", "none", -1},
                                         {"inverted-colors", "none", -1},
                                         {"scripting", "none", -1},
                                         {"update", "fast", -1},
                                         {"display-mode", "browser", -1},
                                         {"dynamic-range", "standard", -1},
                                         {"video-dynamic-range", "standard", -1},
                                         {"color-gamut", "srgb", -1},
                                         {"overflow-block", "scroll", -1},
                                         {"overflow-inline", "scroll", -1},
                                         {"color-index", "", 0}}};

const Known* known(std::string_view name) {
  const auto* it =
      std::find_if(kReader.begin(), kReader.end(), [&](const auto& k) { return k.name == name; });
  return it == kReader.end() ? nullptr : it;
}

float size_of(std::string_view text) {
  text = trim(text);
  if (const std::size_t slash = text.find('/'); slash != text.npos) {
    const float below = parse_number(text.substr(slash + 1)).value_or(1);
    return parse_number(text.substr(0, slash)).value_or(0) / (below == 0 ? 1 : below);
  }
  if (const bool dots = text.ends_with("dppx"); dots || (text.ends_with('x') && !text.ends_with("px"))) {
    text.remove_suffix(dots ? 4 : 1);
    return parse_number(text).value_or(0);
  }
  if (text.ends_with("dpi")) return parse_number(text.substr(0, text.size() - 3)).value_or(96) / 96;
  if (const auto n = parse_number(text)) return *n;
  const auto l = parse_length(text, false);
  return l ? l->of(16, 0) : -1;
}

bool compare(float left, std::string_view how, float right) {
  if (how == "<") return left < right;
  if (how == "<=") return left <= right;
  if (how == ">") return left > right;
  if (how == ">=") return left >= right;
  return left == right;
}

// The feature's name within "min-width: 600px", "400px <= width < 900px", "color"; what nobody knows holds in
// no query, turned round or not.
bool is_known(std::string_view f) {
  for (std::size_t i = 0; i < f.size();) {
    std::size_t end = i;
    while (end < f.size() && (is_alpha(f[end]) || f[end] == '-')) ++end;
    std::string_view name = f.substr(i, end - i);
    for (std::string_view prefix : {"-webkit-min-", "-webkit-max-", "min-", "max-"})
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    if (known(name)) return true;
    i = end == i ? i + 1 : end;
  }
  return false;
}

// "min-width: 600px", "400px <= width < 900px", "color".
bool feature(std::string_view f) {
  f = trim(f);
  const std::size_t colon = f.find(':');
  if (colon != f.npos) {
    std::string_view name = trim(f.substr(0, colon));
    const std::string_view value = trim(f.substr(colon + 1));
    for (std::string_view prefix : {"-webkit-min-", "-webkit-max-", "min-", "max-"}) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      const Known* k = known(name);
      const float wanted = size_of(value);
      if (!k || k->size < 0 || wanted < 0) return false;
      return prefix.find("min") != prefix.npos ? k->size >= wanted : k->size <= wanted;
    }
    const Known* k = known(name);
    if (!k) return false;
    return k->size < 0 ? k->word == value : k->size == size_of(value);
  }
  const std::size_t first = f.find_first_of("<>=");
  if (first == f.npos) {
    const Known* k = known(f);
    return k && (k->size < 0 ? k->word != "none" && k->word != "no-preference" : k->size > 0);
  }
  // A range: one or two comparisons around the feature's name.
  std::array<std::string_view, 3> side;
  std::array<std::string_view, 2> how;
  std::size_t n = 0;
  while (n < 2) {
    const std::size_t at = f.find_first_of("<>=");
    if (at == f.npos) break;
    const std::size_t length = at + 1 < f.size() && f[at + 1] == '=' ? 2 : 1;
    side[n] = trim(f.substr(0, at));
    how[n++] = f.substr(at, length);
    f.remove_prefix(at + length);
  }
  side[n] = trim(f);
  const auto value = [](std::string_view s) {
    const Known* k = known(s);
    return k ? k->size : size_of(s);
  };
  for (std::size_t i = 0; i < n; ++i)
    if (!compare(value(side[i]), how[i], value(side[i + 1]))) return false;
  return true;
}

bool condition(std::string_view q, int depth);

// A word or a bracket of a query.
bool piece(std::string_view p, int depth) {
  if (p.starts_with('(')) {
    const std::string_view inside = trim(p.substr(1, p.size() - 1 - p.ends_with(')')));
    if (inside.starts_with('(') || inside.starts_with("not ") || inside.starts_with("not("))
      return condition(inside, depth + 1);
    return feature(inside);
  }
  return p == "all" || p == "screen";
}

bool condition(std::string_view q, int depth) {
  if (depth > 8) return false;
  bool result = true, any = false, negate = false, negate_all = false, either = false;
  bool first = true;
  std::string spaced;  // "and(" is read as "and ("
  int open = 0;
  for (char c : q) {
    if (c == '(' && open == 0 && !spaced.empty() && is_alpha(spaced.back())) spaced += ' ';
    open += (c == '(') - (c == ')');
    spaced += c;
  }
  for (auto word : Words(spaced)) {
    if (word == "not") {
      negate = true;
    } else if (word == "and" || word == "only") {
      continue;
    } else if (word == "or") {
      either = true;
    } else {
      bool holds = piece(word, depth);
      if (negate && !word.starts_with('('))
        negate_all = true;  // "not screen and ..." turns the whole query round
      else if (negate)
        holds = !holds && (word.substr(1).find('(') != word.npos || is_known(word));
      negate = false;
      result = first ? holds : either ? result || holds : result && holds;
      any = true;
      first = false;
    }
  }
  return any ? result != negate_all : true;
}

}  // namespace

bool supports_applies(std::string_view condition, int depth) {
  condition = trim(condition);
  if (depth > 8) return false;
  if (istarts_with(condition, "not") && condition.size() > 3 &&
      (condition[3] == '(' || is_space(condition[3])))
    return !supports_applies(condition.substr(3), depth + 1);
  if (condition.find("-moz-") != condition.npos || condition.find("-ms-") != condition.npos) return false;
  // "(display: foo)": words that no browser knows.
  const std::string one = to_lower(condition);
  if (!one.starts_with('(') || one.find(')') + 1 != one.size()) return true;
  const std::size_t colon = std::min(one.find(':'), one.size() - 1);
  const std::string_view name = trim(std::string_view(one).substr(1, colon - 1));
  const std::string_view value = trim(std::string_view(one).substr(colon + 1, one.size() - colon - 2));
  if (name == "display") return display_of(value).has_value() || is_reset(value) || value == "inherit";
  if (name == "color") return parse_color(value, {}, false).has_value() || is_reset(value);
  return colon + 1 < one.size();
}

bool media_applies(std::string_view query) {
  if (query.size() > kMaxValueBytes) return false;
  const std::string q = to_lower(trim(query));
  if (q.empty()) return true;
  const Words list(q, ',');
  return std::any_of(list.begin(), list.end(), [](auto one) { return condition(one, 0); });
}

}  // namespace mailroom::mime
