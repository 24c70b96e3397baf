#include "mime/hidden_text.hpp"

#include <algorithm>
#include <array>

#include "mime/ascii.hpp"
#include "mime/html_guard.hpp"
#include "mime/unicode.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxEntries = 40, kMaxSample = 100;

bool is_blank(char32_t c) {
  return (c < 0x80 && is_space(static_cast<char>(c))) || c == 0xA0 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x3000 || c == 0x2800 || is_control(c) || is_invisible(c);
}

bool is_word(char32_t c) {
  return c < 0x80 ? is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c))
                  : !(c < 0xC0 || (c >= 0x2010 && c <= 0x2BFF && c != 0x2126));
}

// Words that templates mark their parts with.
bool is_marker(std::string_view word) {
  static constexpr std::array<std::string_view, 96> kMarkers{
      "android", "area",    "article", "bar",     "banner",    "begin",     "begins",  "block",    "body",
      "bottom",  "box",     "button",  "buttons", "card",      "cell",      "center",  "client",   "clients",
      "code",    "col",     "column",  "columns", "container", "content",   "copy",    "css",      "cta",
      "desktop", "divider", "email",   "end",     "endif",     "ends",      "extra",   "fallback", "fix",
      "fixes",   "footer",  "for",     "full",    "ghost",     "gmail",     "gte",     "head",     "header",
      "hero",    "hidden",  "hide",    "ie",      "if",        "image",     "images",  "in",       "inbox",
      "inner",   "ios",     "item",    "left",    "lines",     "link",      "links",   "logo",     "lt",
      "lte",     "main",    "margin",  "menu",    "meta",      "mobile",    "module",  "mso",      "nav",
      "of",      "one",     "outer",   "outlook", "padding",   "preheader", "preview", "product",  "reset",
      "right",   "row",     "section", "single",  "social",    "space",     "spacer",  "spacing",  "start",
      "starts",  "style",   "styles",  "table",   "td",        "template"};
  static constexpr std::array<std::string_view, 18> kMore{
      "text", "the",     "title", "top",   "tr",      "two",    "unsubscribe", "view", "visually",
      "web",  "wrapper", "yahoo", "three", "columns", "column", "and",         "with", "hack"};
  const std::string w = to_lower(word);
  if (std::find(kMarkers.begin(), kMarkers.end(), w) != kMarkers.end()) return true;
  if (std::find(kMore.begin(), kMore.end(), w) != kMore.end()) return true;
  return w.size() <= 2 && std::all_of(w.begin(), w.end(), [](char c) { return is_digit(c); });
}

bool only_markers(std::string_view text) {
  if (text.size() > 120) return false;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t from = i;
    while (i < text.size() && (is_alpha(text[i]) || is_digit(text[i]))) ++i;
    if (i > from && !is_marker(text.substr(from, i - from))) return false;
    if (i < text.size() && (text[i] & 0x80)) return false;
    i += i == from;
  }
  return true;
}

}  // namespace

bool is_prose(std::string_view text) {
  text = trim(text);
  std::size_t words = 0;
  bool in_word = false, letters = false;
  for (char c : text) {
    words += !is_space(c) && !in_word;
    in_word = !is_space(c);
    letters = letters || is_alpha(c) || (c & 0x80);
  }
  return letters && (words >= 4 || text.size() >= 25);
}

void HiddenLog::add(std::string_view code, std::string_view how, std::string_view text) {
  auto it = std::find_if(entries_.begin(), entries_.end(),
                         [&](const Entry& e) { return e.code == code && e.how == how; });
  std::size_t characters = 0;
  bool words = false, space = false;
  std::string sample;
  const std::size_t have = it == entries_.end() ? 0 : it->sample.size();
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_char(text, at);
    if (is_blank(c)) {
      space = true;
      continue;
    }
    ++characters;
    words = words || is_word(c);
    if (have + sample.size() + 6 <= kMaxSample) {
      if (space && have + sample.size() > 0) sample += ' ';
      put_char(sample, c == U'"' ? U'\'' : c);
    }
    space = false;
  }
  if (characters == 0) return;
  all_ += characters;
  if (it == entries_.end()) {
    if (entries_.size() >= kMaxEntries) {
      it = entries_.end() - 1;
    } else {
      entries_.push_back({std::string(code), std::string(how), {}, 0, false});
      it = entries_.end() - 1;
    }
  }
  if (!it->sample.empty() && !sample.empty() && sample.front() != ' ' && it->sample.size() < kMaxSample)
    it->sample += ' ';
  if (it->sample.size() < kMaxSample) it->sample += sample;
  it->characters += characters;
  it->words = it->words || words;
}

void HiddenLog::characters(std::string_view kind, std::size_t count, std::string_view sample) {
  auto it = std::find_if(entries_.begin(), entries_.end(),
                         [&](const Entry& e) { return e.code == "hidden_characters" && e.how == kind; });
  all_ += count;
  if (it == entries_.end()) {
    entries_.push_back({"hidden_characters", std::string(kind),
                        std::string(aoh::utf8_prefix(sample, kMaxSample)), count, true});
  } else {
    it->characters += count;
    if (it->sample.size() + sample.size() < kMaxSample) it->sample += " " + std::string(sample);
  }
}

void HiddenLog::comment(std::string_view inside) {
  inside = inside.substr(0, 65'536);
  const std::string_view begin = trim(inside);
  std::string words;
  if (istarts_with(begin, "[if")) {
    // What Outlook alone would show: its text, not its tables and settings.
    const std::size_t from = std::min(begin.find(']'), begin.size() - 1) + 1;
    std::string_view shown = begin.substr(from);
    for (std::string_view mark : {">", "<!--", "<!"})  // "<!--[if !mso]><!-- ...": a comment for all
      if (shown.starts_with(mark)) shown.remove_prefix(mark.size());
    if (const std::size_t end = shown.rfind("<!["); end != shown.npos) shown = shown.substr(0, end);
    words = strip_tags(shown);
    if (std::none_of(words.begin(), words.end(), [](char c) { return is_alpha(c) || (c & 0x80); })) return;
  } else {
    words = strip_tags(inside);
  }
  if (!only_markers(words)) add("hidden_comment", "comments", words);
}

void HiddenLog::note(std::string_view code, std::string_view detail) {
  for (const auto& n : notes_)
    if (n.code == code) return;
  notes_.push_back({std::string(code), std::string(aoh::utf8_prefix(detail, 200))});
}

std::vector<Warning> HiddenLog::warnings() const {
  std::vector<Warning> out;
  for (const auto& e : entries_) {
    if (!e.words) continue;
    out.push_back({e.code, std::to_string(e.characters) + (e.characters == 1 ? " character" : " characters") +
                               " that are not seen (" + std::string(aoh::utf8_prefix(e.how, 60)) + "): \"" +
                               e.sample + "\""});
  }
  out.insert(out.end(), notes_.begin(), notes_.end());
  return out;
}

}  // namespace mailroom::mime
