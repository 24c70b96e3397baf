#include "mime/html_guard.hpp"

#include <algorithm>
#include <array>
#include <new>

#include "mime/ascii.hpp"
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

struct Tag {
  std::string_view name;
  bool closing = false;
  std::size_t end = 0;  // after '>'
};

// The tag at '<', or a comment; quotes hide '>' within attributes.
Tag read_tag(std::string_view s, std::size_t at) {
  Tag tag;
  std::size_t i = at + 1;
  tag.closing = i < s.size() && s[i] == '/';
  if (tag.closing) ++i;
  const std::size_t name = i;
  while (i < s.size() && !is_space(s[i]) && s[i] != '>' && s[i] != '/') ++i;
  tag.name = s.substr(name, i - name);
  char quote = 0;
  for (; i < s.size(); ++i) {
    if (quote) {
      if (s[i] == quote) quote = 0;
    } else if (s[i] == '"' || s[i] == '\'') {
      quote = s[i];
    } else if (s[i] == '>') {
      break;
    }
  }
  tag.end = std::min(i + 1, s.size());
  return tag;
}

}  // namespace

std::string guard_html(std::string_view html) {
  html = aoh::utf8_prefix(html, kMaxHtmlBytes);
  std::string out;
  out.reserve(html.size());
  std::size_t depth = 0;
  std::size_t formatting = 0;
  std::size_t copied = 0;
  for (std::size_t at = html.find('<'); at != html.npos; at = html.find('<', at)) {
    if (at + 1 >= html.size() || (!is_alpha(html[at + 1]) && html[at + 1] != '/')) {
      ++at;
      continue;
    }
    const Tag tag = read_tag(html, at);
    const bool shallow = among(tag.name, kShallow);
    const bool format = !shallow && among(tag.name, kFormatting);
    if (!shallow && tag.closing) {
      depth -= depth > 0;
      if (format) formatting -= formatting > 0;
    } else if (!shallow) {
      if (depth >= kMaxHtmlDepth || (format && formatting >= kMaxHtmlFormatting)) {
        out += html.substr(copied, at - copied);
        copied = tag.end;
      } else {
        ++depth;
        formatting += format;
      }
    }
    at = tag.end;
  }
  out += html.substr(std::min(copied, html.size()));
  return out;
}

std::string strip_tags(std::string_view html) {
  std::string out;
  for (std::size_t at = 0; at < html.size();) {
    const std::size_t open = std::min(html.find('<', at), html.size());
    out += html.substr(at, open - at);
    if (open == html.size()) break;
    at = read_tag(html, open).end;
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
