// Filters on texts, and the table of all.
#include "support/tmpl/filters.hpp"
#include "support/markup.hpp"

#include <algorithm>

namespace aoh::tmpl {
namespace {

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

Value text_value(std::string text) { return Value(Json(std::move(text))); }

Value filter_upper(const FilterCall& c) {
  std::string text = show(*c.in);
  std::transform(text.begin(), text.end(), text.begin(), upper);
  return text_value(std::move(text));
}
Value filter_lower(const FilterCall& c) { return text_value(ascii_lower(show(*c.in))); }
Value filter_capitalize(const FilterCall& c) {
  std::string text = ascii_lower(show(*c.in));
  if (!text.empty()) text[0] = upper(text[0]);
  return text_value(std::move(text));
}
Value filter_title(const FilterCall& c) {
  std::string text = ascii_lower(show(*c.in));
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i == 0 || std::string_view(" \t\r\n-({[<").find(text[i - 1]) != std::string_view::npos)
      text[i] = upper(text[i]);
  return text_value(std::move(text));
}
Value filter_trim(const FilterCall& c) {
  const std::string text = show(*c.in);
  const auto begin = text.find_first_not_of(" \t\r\n");
  return text_value(begin == std::string::npos
                        ? std::string()
                        : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}
Value filter_truncate(const FilterCall& c) {
  std::string text = show(*c.in);
  const std::int64_t bytes = std::max<std::int64_t>(0, c.whole(0, 0, INT64_MIN, INT64_MAX));
  const std::string_view cut = utf8_prefix(text, static_cast<std::size_t>(bytes));
  return text_value(cut.size() == text.size() ? std::move(text) : std::string(cut) + "…");
}

Value filter_replace(const FilterCall& c) {
  // What is put into vouched-for HTML is not vouched for by that.
  const auto argument = [&](std::size_t i) {
    std::string raw = c.text(i, ""), out;
    if (!c.html || !c.in.safe || c.arguments[i]->safe) return raw;
    escape_markup(out, raw);
    return out;
  };
  const std::string text = show(*c.in), old = argument(0), fresh = argument(1);
  if (old.empty()) throw FilterProblem("replace has nothing to look for: its first argument is empty");
  std::int64_t left = c.whole(2, INT64_MAX, 0, INT64_MAX);
  std::string out;
  std::size_t i = 0;
  for (std::size_t hit; left > 0 && (hit = text.find(old, i)) != std::string::npos;
       i = hit + old.size(), --left) {
    grow(out, std::string_view(text).substr(i, hit - i), c.max_bytes);
    grow(out, fresh, c.max_bytes);
  }
  grow(out, std::string_view(text).substr(i), c.max_bytes);
  return text_value(std::move(out));
}

Value filter_indent(const FilterCall& c) {
  const std::string text = show(*c.in);
  const std::string pad(static_cast<std::size_t>(c.whole(0, 4, 0, 100)), ' ');
  const bool first = c.flag(1), blank = c.flag(2);
  std::string out;
  for (std::size_t i = 0; i <= text.size();) {
    const std::size_t end = std::min(text.find('\n', i), text.size());
    if ((i > 0 || first) && (blank || end > i)) grow(out, pad, c.max_bytes);
    grow(out, std::string_view(text).substr(i, end - i + 1), c.max_bytes);
    i = end + 1;
  }
  return text_value(std::move(out));
}

void percent(std::string& out, std::string_view text, bool query) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        std::string_view(query ? "-._~" : "-._~/").find(c) != std::string_view::npos)
      out += c;
    else if (query && c == ' ')
      out += '+';
    else
      (out += '%') += {kHex[b >> 4u], kHex[b & 15u]};
  }
}

/// RFC 3986 §2.1; '/' stays. An object becomes a query, key=value joined by '&'.
Value filter_urlencode(const FilterCall& c) {
  std::string out;
  if (!c.in->is_object()) percent(out, show(*c.in), false);
  for (const auto& m : c.in->members()) {
    if (!out.empty()) out += '&';
    percent(out, m.key, true);
    out += '=';
    percent(out, show(m.value), true);
  }
  return text_value(std::move(out));
}

Value vouched(std::string html) {
  Value v = text_value(std::move(html));
  v.safe = true;
  return v;
}
Value filter_escape(const FilterCall& c) {
  if (c.in.safe) return c.in;
  std::string out;
  escape_markup(out, show(*c.in));
  return vouched(std::move(out));
}
Value filter_nl2br(const FilterCall& c) {
  const std::string text = show(*filter_escape(c));
  std::string out;
  for (const char ch : text)
    if (ch == '\n')
      out += "<br>\n";
    else if (ch != '\r')
      out += ch;
  return vouched(std::move(out));
}
Value filter_safe(const FilterCall& c) {
  Value v = c.in;
  v.safe = true;
  return v;
}
Value filter_json(const FilterCall& c) { return text_value(c.in->dump()); }

}  // namespace

std::string ascii_lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), lower);
  return text;
}

void grow(std::string& out, std::string_view more, std::size_t max) {
  if (more.size() > max || out.size() > max - more.size())
    throw FilterProblem("the text made here is longer than " + std::to_string(max) + " bytes");
  out += more;
}

std::string FilterCall::text(std::size_t i, std::string_view fallback) const {
  return given(i) ? show(**arguments[i]) : std::string(fallback);
}
std::int64_t FilterCall::whole(std::size_t i, std::int64_t fallback, std::int64_t low,
                               std::int64_t high) const {
  if (!given(i)) return fallback;
  const Json& v = **arguments[i];
  if (!v.is_int() || v.integer() < low || v.integer() > high)
    throw FilterProblem(
        "a whole number" +
        (high == INT64_MAX ? std::string() : " from " + std::to_string(low) + " to " + std::to_string(high)) +
        " is expected as argument " + std::to_string(i + 1));
  return v.integer();
}
bool FilterCall::flag(std::size_t i) const { return given(i) && truthy(**arguments[i]); }

std::span<const FilterRule> filter_rules() {
  static const FilterRule kRules[] = {
      {"capitalize", 0, {}, true, filter_capitalize},
      {"date", 0, {"format", "tz"}, false, filter_date},
      {"default", 1, {"default_value", "boolean"}, false, nullptr},
      {"escape", 0, {}, true, filter_escape},
      {"first", 0, {}, false, filter_first},
      {"indent", 0, {"width", "first", "blank"}, true, filter_indent},
      {"int", 0, {}, false, filter_int},
      {"join", 0, {"d", "attribute"}, true, filter_join},
      {"json", 0, {}, true, filter_json},
      {"last", 0, {}, false, filter_last},
      {"length", 0, {}, false, filter_length},
      {"lower", 0, {}, true, filter_lower},
      {"nl2br", 0, {}, true, filter_nl2br},
      {"number", 1, {"decimals", "group", "point"}, false, filter_number},
      {"replace", 2, {"old", "new", "count"}, true, filter_replace},
      {"round", 0, {"precision", "method"}, false, filter_round},
      {"safe", 0, {}, false, filter_safe},
      {"sort", 0, {"reverse", "case_sensitive", "attribute"}, true, filter_sort},
      {"title", 0, {}, true, filter_title},
      {"trim", 0, {}, true, filter_trim},
      {"truncate", 1, {"length"}, true, filter_truncate},
      {"unique", 0, {"case_sensitive", "attribute"}, true, filter_unique},
      {"upper", 0, {}, true, filter_upper},
      {"urlencode", 0, {}, true, filter_urlencode},
  };
  return kRules;
}

const FilterRule* find_filter(std::string_view name) {
  for (const FilterRule& r : filter_rules())
    if (r.name == name) return &r;
  return nullptr;
}

}  // namespace aoh::tmpl
