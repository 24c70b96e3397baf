#include "mime/html_guard.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <unordered_map>

#include "mime/ascii.hpp"
#include "mime/html_tags.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

template <std::size_t N>
bool among(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view n) { return iequals(n, name); });
}

// Never open, or closed by their own kind: these do not nest by being left open.
constexpr std::array<std::string_view, 23> kShallow{
    "area", "base", "br", "col", "embed", "hr", "img", "input",  "link", "meta", "param", "wbr",
    "p",    "li",   "td", "tr",  "th",    "dt", "dd",  "option", "html", "head", "body"};
constexpr std::array<std::string_view, 14> kFormatting{"a",    "b", "big",   "code",   "em",     "font", "i",
                                                       "nobr", "s", "small", "strike", "strong", "tt",   "u"};
// Left out with all that they hold: nothing in them is text of the message, and tags in them do not count as
// tags.
constexpr std::array<std::string_view, 8> kOpaque{"script", "title",   "textarea", "xmp",
                                                  "iframe", "noembed", "noframes", "select"};
// Renamed: within SVG and MathML, elements nest that elsewhere cannot. Their styles still count.
constexpr std::array<std::string_view, 2> kForeign{"svg", "math"};
constexpr std::array<std::string_view, 3> kIgnored{"plaintext", "frameset", "frame"};

constexpr std::size_t kMaxAttributes = 200;  // gumbo compares each with all before it

struct Tag {
  std::string_view name;
  bool closing = false;
  bool too_long = false;  // more attributes than anybody needs
  bool empty = false;     // "/>"
  std::size_t end = 0;    // after '>'
};

// The tag at '<' as HTML's tokenizer reads it: a quote counts only where a value begins.
Tag read_tag(std::string_view s, std::size_t at) {
  Tag tag;
  std::size_t i = at + 1;
  tag.closing = i < s.size() && s[i] == '/';
  if (tag.closing) ++i;
  const std::size_t name = i;
  while (i < s.size() && !is_space(s[i]) && s[i] != '>' && s[i] != '/') ++i;
  tag.name = s.substr(name, i - name);
  std::size_t pieces = 0;  // at least as many as attributes
  enum { kName, kBeforeValue, kValue } state = kName;
  for (; i < s.size() && s[i] != '>'; ++i) {
    const char c = s[i];
    if (state == kBeforeValue && (c == '"' || c == '\'')) {
      const std::size_t close = s.find(c, i + 1);
      i = close == s.npos ? s.size() - 1 : close;
      state = kName;
      ++pieces;
    } else if (is_space(c)) {
      if (state == kValue) state = kName;
      if (i > 0 && !is_space(s[i - 1])) ++pieces;
    } else if (state == kName) {
      if (c == '=') state = kBeforeValue;
      if (c == '/') ++pieces;
    } else {
      state = kValue;
    }
  }
  tag.too_long = pieces > kMaxAttributes;
  tag.empty = i < s.size() && s[i - 1] == '/';
  tag.end = std::min(i + 1, s.size());
  return tag;
}

// Where a comment that begins at `at` ends (§13.2.5.43-51), and how long its end mark is.
std::size_t comment_end(std::string_view s, std::size_t at, std::size_t& mark) {
  for (std::string_view empty : {"<!-->", "<!--->"})
    if (s.substr(at).starts_with(empty)) {
      mark = 1;
      return at + empty.size() - 1;
    }
  const std::size_t plain = s.find("-->", at + 4);
  const std::size_t bang = s.substr(0, plain).find("--!>", at + 4);
  mark = bang < plain ? 4 : 3;
  return std::min({plain, bang, s.size()});
}

// Just after "</name ...>" at or after `at`; npos when there is none.
std::size_t after_close(std::string_view s, std::size_t at, std::string_view name) {
  for (at = s.find("</", at); at != s.npos; at = s.find("</", at + 2)) {
    const std::string_view rest = s.substr(at + 2);
    if (!istarts_with(rest, name)) continue;
    if (rest.size() > name.size() && is_alpha(rest[name.size()])) continue;
    const std::size_t end = s.find('>', at);
    return end == s.npos ? s.size() : end + 1;
  }
  return s.npos;
}

// How deep the document is, as far as its tags tell; by name, so that a stray end tag closes nothing.
class Depth {
 public:
  bool open(std::string_view name) {
    const bool format = among(name, kFormatting);
    if (all_ >= kMaxHtmlDepth || (format && formatting_ >= kMaxHtmlFormatting)) return false;
    ++open_[to_lower(name.substr(0, 100))];
    ++all_;
    formatting_ += format;
    return true;
  }
  void close(std::string_view name) {
    const auto it = open_.find(to_lower(name.substr(0, 100)));
    if (it == open_.end()) return;
    if (--it->second == 0) open_.erase(it);
    --all_;
    formatting_ -= among(name, kFormatting);
  }

 private:
  std::unordered_map<std::string, std::size_t> open_;  // kMaxHtmlDepth names at most
  std::size_t all_ = 0, formatting_ = 0;
};

// Tells what was left out with an element.
void opaque(const Tag& tag, std::string_view whole, std::size_t start, Guarded& guarded, HiddenLog* log) {
  std::string_view inside = whole.substr(start);
  if (const std::size_t close = inside.rfind("</"); close != inside.npos) inside = inside.substr(0, close);
  inside = inside.substr(0, 65'536);
  if (iequals(tag.name, "title")) {
    if (guarded.title.empty()) guarded.title = without_references(inside);
    return;
  }
  if (!log) return;
  const std::string how = "<" + to_lower(tag.name) + ">";
  std::string words = iequals(tag.name, "script") ? std::string(inside) : strip_tags(inside);
  if (iequals(tag.name, "iframe"))
    for (HtmlTags tags(whole.substr(0, start)); tags.next();)
      for (const auto& a : tags.attributes())
        if (iequals(a.name, "srcdoc")) words += " " + strip_tags(without_references(a.value));
  log->add("hidden_element", how, words);
}

// Numeric references beyond Unicode are U+FFFD (HTML §13.2.5.84); gumbo counts them in an int that overflows
// into other characters. Overwritten in place, as long as before.
void mend_references(std::string& html) {
  for (std::size_t at = html.find("&#"); at != html.npos; at = html.find("&#", at)) {
    at += 2;
    const bool hex = at < html.size() && (html[at] == 'x' || html[at] == 'X');
    if (hex) ++at;
    const auto digit = [&](char c) { return hex ? hex_value(c) >= 0 : is_digit(c); };
    const std::size_t first = std::min(html.find_first_not_of('0', at), html.size());
    std::size_t end = first;
    while (end < html.size() && digit(html[end])) ++end;
    if (end - first > 7) {
      std::fill(html.begin() + static_cast<std::ptrdiff_t>(first),
                html.begin() + static_cast<std::ptrdiff_t>(end), '0');
      const std::string_view replacement = hex ? "FFFD" : "65533";
      html.replace(end - replacement.size(), replacement.size(), replacement);
    }
    at = end;
  }
}

}  // namespace

Guarded guard_html(std::string_view html, HiddenLog* log) {
  html = aoh::utf8_prefix(html, kMaxHtmlBytes);
  Guarded guarded;
  std::string& out = guarded.html;
  out.reserve(html.size());
  Depth depth;
  bool select_closes = true;
  std::size_t foreign = 0;  // open <svg>, <math>
  std::size_t copied = 0;
  const auto leave_out = [&](std::size_t from, std::size_t to) {
    out += html.substr(copied, from - copied);
    copied = to;
  };
  for (std::size_t at = html.find('<'); at != html.npos; at = html.find('<', at)) {
    const char next = at + 1 < html.size() ? html[at + 1] : '\0';
    if (next == '!' || next == '?') {
      std::size_t mark = 1, end = 0;
      if (html.substr(at).starts_with("<!--")) {
        end = comment_end(html, at, mark);
        if (log && end > at + 4) log->comment(html.substr(at + 4, end - at - 4));
      } else {
        end = std::min(html.find('>', at), html.size());
        if (istarts_with(html.substr(at), "<!doctype"))
          guarded.quirks = false;
        else if (log)
          log->comment(html.substr(at + 2, end - at - 2));
      }
      const std::size_t after = std::min(end + mark, html.size());
      leave_out(at, after);
      at = after;
      continue;
    }
    if (!is_alpha(next) && next != '/') {
      ++at;
      continue;
    }
    const Tag tag = read_tag(html, at);
    std::size_t after = tag.end;
    bool keep = !tag.too_long && !among(tag.name, kIgnored);
    if (among(tag.name, kOpaque)) {
      keep = false;
      const bool select = iequals(tag.name, "select");
      if (!tag.closing && (!select || select_closes)) {
        const std::size_t close = after_close(html, tag.end, tag.name);
        if (close != html.npos)
          after = close;
        else if (select)
          select_closes = false;  // only its tag goes: a browser shows what follows
        else
          after = html.size();
        if (after > tag.end) opaque(tag, html.substr(at, after - at), tag.end - at, guarded, log);
      }
    } else if (iequals(tag.name, "style")) {
      const std::size_t close = tag.closing ? html.npos : after_close(html, tag.end, tag.name);
      keep = keep && close != html.npos;
      if (!tag.closing) after = close == html.npos ? html.size() : close;
      guarded.styles = guarded.styles || keep;
    } else if (keep && among(tag.name, kForeign) && !tag.empty) {
      if (tag.closing)
        depth.close(tag.name);
      else
        keep = depth.open(tag.name);
      foreign = tag.closing ? foreign - (foreign > 0) : foreign + keep;
      if (keep) {
        leave_out(at + 1 + tag.closing, at + 1 + tag.closing);
        out += "x-";
      }
    } else if ((foreign || among(tag.name, kForeign)) && tag.empty && !tag.closing) {
      // <path/>: closed here, but not for a parser of HTML.
      keep = !tag.too_long && !among(tag.name, kForeign) && tag.name.size() < 40;
      if (keep) {
        leave_out(after, after);
        out.append("</").append(tag.name).append(">");
      }
    } else if (keep && !among(tag.name, kShallow)) {
      if (tag.closing)
        depth.close(tag.name);
      else
        keep = depth.open(tag.name);
    }
    if (!keep) leave_out(at, after);
    at = after;
  }
  out += html.substr(std::min(copied, html.size()));
  mend_references(out);
  return guarded;
}

std::string strip_tags(std::string_view html) {
  std::string out;
  for (std::size_t at = 0; at < html.size();) {
    const std::size_t open = std::min(html.find('<', at), html.size());
    out += html.substr(at, open - at);
    if (open == html.size()) break;
    const Tag tag = read_tag(html, open);
    at = tag.end;
    if (!tag.closing && (iequals(tag.name, "style") || iequals(tag.name, "script")))
      at = std::min(after_close(html, at, tag.name), html.size());
    out += ' ';
  }
  return out;
}

void* GumboArena::allocate(void* self, std::size_t size) {
  auto* arena = static_cast<GumboArena*>(self);
  size = (std::max<std::size_t>(size, 1) + 15) & ~std::size_t{15};
  // Frames between here and parse() are gumbo's, in C: nothing of theirs needs a destructor.
  if (size > kMaxArenaBytes - arena->total_) std::longjmp(arena->out_of_room_, 1);
  if (size > arena->capacity_ - arena->used_) {
    const std::size_t block = std::max<std::size_t>(size, 256u << 10);
    auto* bytes = new (std::nothrow) char[block];
    if (!bytes) std::longjmp(arena->out_of_room_, 1);
    arena->blocks_.emplace_back(bytes);
    arena->capacity_ = block;
    arena->used_ = 0;
  }
  void* place = arena->blocks_.back().get() + arena->used_;
  arena->used_ += size;
  arena->total_ += size;
  return place;
}

const GumboNode* GumboArena::parse(const std::string& html) {
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = &GumboArena::allocate;
  options.deallocator = &GumboArena::release;
  options.userdata = this;
  options.max_errors = 0;
  if (setjmp(out_of_room_)) return nullptr;
  const GumboOutput* output = gumbo_parse_with_options(&options, html.data(), html.size());
  return output ? output->root : nullptr;
}

}  // namespace mailroom::mime
