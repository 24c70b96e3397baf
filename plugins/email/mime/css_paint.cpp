#include "mime/css_paint.hpp"

#include <algorithm>

namespace mailroom::mime {
namespace {

// Pictures that a mail can bring or load; anything else ("url(x.png)", "url()") draws nothing.
bool can_load(std::string_view url) {
  while (!url.empty() && url.front() == ' ') url.remove_prefix(1);
  if (!url.empty() && (url.front() == '"' || url.front() == '\'')) url = url.substr(1);
  return url.starts_with("http:") || url.starts_with("https:") || url.starts_with("//") ||
         url.starts_with("cid:") || url.starts_with("data:image") || url.starts_with("data:;base64");
}

void hide(Style& s, const char* how) {
  s.box.hides = true;
  s.box.how = how;
}

}  // namespace

void read_image(std::string_view word, Background& to, const Color& current, bool quirks) {
  if (const auto url = function_of(word, "url")) {
    to.picture = to.picture || can_load(*url);
    return;
  }
  if (word.starts_with("image-set(") || word.starts_with("-webkit-image-set(") ||
      word.starts_with("cross-fade(")) {
    to.picture = true;
    return;
  }
  if (word.find("gradient(") == word.npos || word.back() != ')') return;
  const std::string_view inside = word.substr(word.find('(') + 1, word.size() - word.find('(') - 2);
  for (auto stop : Words(inside, ','))
    for (auto piece : Words(stop))
      if (const auto c = parse_color(piece, current, quirks); c && to.gradient.size() < 16)
        to.gradient.push_back(*c);
}

void apply_background(std::string_view v, Style& style, bool quirks) {
  Background next;
  for (auto layer : Words(v, ',')) {
    bool slash = false;
    std::size_t zeros = 0;
    for (auto word : Words(layer)) {
      if (const std::size_t at = word.find('/'); at != word.npos && word.find('(') == word.npos) {
        slash = true;
        word = word.substr(at + 1);
        if (word.empty()) continue;
      }
      const auto size = slash ? parse_length(word, false) : std::nullopt;
      if (size && *size == Length{})
        ++zeros;
      else if (word == "text")
        next.to_text = true;
      else if (const auto c = parse_color(word, style.color, quirks))
        next.color = c;
      else
        read_image(word, next, style.color, quirks);
    }
    if (zeros) next.nothing = true;
  }
  style.box.background = std::move(next);
}

void apply_filter(std::string_view v, Style& style) {
  for (auto word : Words(v)) {
    if (const auto o = function_of(word, "opacity")) style.box.opacity *= parse_number(*o).value_or(1);
    if (const auto blur = function_of(word, "blur"))
      if (const auto l = parse_length(*blur, true); l && l->of(style.font_size, 0) >= 8)
        hide(style, "filter: blur");
    if (const auto alpha = function_of(word, "alpha"); alpha && alpha->ends_with("opacity=0"))
      continue;  // old IE's
  }
}

void apply_inner_shadow(std::string_view v, Style& style, bool quirks) {
  for (auto layer : Words(v, ',')) {
    bool inset = false, wide = false;
    std::optional<Color> color;
    for (auto word : Words(layer)) {
      inset = inset || word == "inset";
      if (const auto l = parse_length(word, quirks); l && l->of(style.font_size, 0) >= 20)
        wide = true;
      else if (const auto c = parse_color(word, style.color, quirks))
        color = c;
    }
    if (inset && wide && color) style.box.background.color = color;
  }
}

void apply_mask(std::string_view v, Style& style) {
  Background b;
  for (auto layer : Words(v, ','))
    for (auto word : Words(layer)) read_image(word, b, style.color, false);
  if (!b.picture && !b.gradient.empty() &&
      std::all_of(b.gradient.begin(), b.gradient.end(), [](const Color& c) { return c.a < .1F; }))
    hide(style, "mask");
}

}  // namespace mailroom::mime
