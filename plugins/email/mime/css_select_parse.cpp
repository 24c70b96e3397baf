// Selectors as written to selectors that can be matched.
#include <algorithm>
#include <array>
#include <charconv>

#include "mime/ascii.hpp"
#include "mime/css_select.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

using Kind = SimpleSelector::Kind;
constexpr std::size_t kMaxSelectors = 64, kMaxCompounds = 32, kMaxSimple = 32;
constexpr int kMaxDepth = 6;
constexpr std::uint32_t kId = 1u << 20, kClass = 1u << 10;

bool is_name_char(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || (c & 0x80) || c == '\\';
}

bool parse_nth(std::string_view text, SimpleSelector& s) {
  std::string t;
  for (char c : text.substr(0, 40))
    if (!is_space(c)) t += lower(c);
  if (t == "odd" || t == "even") {
    s.a = 2;
    s.b = t == "odd";
    return true;
  }
  const auto number = [](std::string_view v, int& to) {
    if (v.starts_with('+')) v.remove_prefix(1);
    const auto [end, error] = std::from_chars(v.data(), v.data() + v.size(), to);
    to = std::clamp(to, -100'000, 100'000);
    return error == std::errc() && end == v.data() + v.size();
  };
  const std::size_t n = t.find('n');
  if (n == t.npos) return number(t, s.b);
  const std::string_view a = std::string_view(t).substr(0, n), b = std::string_view(t).substr(n + 1);
  if (a.empty() || a == "+")
    s.a = 1;
  else if (a == "-")
    s.a = -1;
  else if (!number(a, s.a))
    return false;
  return b.empty() || number(b, s.b);
}

class Parser {
 public:
  Parser(std::string_view s, bool relative, int depth) : s_(s), relative_(relative), depth_(depth) {}

  std::vector<Selector> list() {
    std::vector<Selector> out;
    do {
      if (out.size() >= kMaxSelectors) return out;
      Selector one;
      if (!complex(one)) return {};
      out.push_back(std::move(one));
    } while (eat(','));
    return at_ == s_.size() ? out : std::vector<Selector>();
  }

 private:
  bool eat(char c) {
    if (at_ >= s_.size() || s_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool skip() {
    const std::size_t from = at_;
    while (at_ < s_.size() && is_space(s_[at_])) ++at_;
    return at_ > from;
  }
  char peek() const { return at_ < s_.size() ? s_[at_] : '\0'; }

  std::string name() {
    std::string out;
    while (at_ < s_.size() && is_name_char(s_[at_])) {
      if (s_[at_] == '\\')
        css_escape(s_, at_, out);
      else
        out += s_[at_++];
    }
    return out;
  }

  // What stands in the brackets that are open, up to and with the closing one.
  std::string_view argument() {
    const std::size_t from = at_;
    int depth = 1;
    for (; at_ < s_.size(); ++at_) {
      const char c = s_[at_];
      if (c == '"' || c == '\'') at_ = std::min(s_.find(c, at_ + 1), s_.size() - 1);
      if (c == '(') ++depth;
      if (c == ')' && --depth == 0) break;
    }
    const std::string_view inside = s_.substr(from, at_ - from);
    if (at_ < s_.size()) ++at_;
    return inside;
  }

  bool complex(Selector& out) {
    skip();
    std::vector<Compound> left_first;
    char combinator = 0;
    if (relative_) combinator = eat('>') ? '>' : eat('+') ? '+' : eat('~') ? '~' : ' ';
    skip();
    for (;;) {
      Compound c;
      c.combinator = combinator;
      if (!compound(c, out)) return false;
      left_first.push_back(std::move(c));
      const bool space = skip();
      const char next = peek();
      if (next == '\0' || next == ',') break;
      if (left_first.size() >= kMaxCompounds || out.pseudo != PseudoElement::none) return false;
      if (next == '>' || next == '+' || next == '~') {
        combinator = next;
        ++at_;
        skip();
      } else if (space) {
        combinator = ' ';
      } else {
        return false;
      }
    }
    out.compounds.assign(std::make_move_iterator(left_first.rbegin()),
                         std::make_move_iterator(left_first.rend()));
    return true;
  }

  bool compound(Compound& c, Selector& whole) {
    const std::size_t from = at_;
    if (peek() == '*' && at_ + 1 < s_.size() && s_[at_ + 1] == '|') at_ += 2;  // of any namespace
    if (eat('*')) {
      c.simple.emplace_back();
    } else if (is_name_char(peek())) {
      SimpleSelector tag;
      tag.kind = Kind::tag;
      tag.name = to_lower(name());
      c.simple.push_back(std::move(tag));
      ++whole.specificity;
    }
    while (c.simple.size() < kMaxSimple) {
      SimpleSelector s;
      if (eat('#')) {
        s.kind = Kind::id;
        s.name = name();
        whole.specificity += kId;
        if (s.name.empty()) return false;
      } else if (eat('.')) {
        s.kind = Kind::cls;
        s.name = name();
        whole.specificity += kClass;
        if (s.name.empty()) return false;
      } else if (eat('[')) {
        if (!attribute(s)) return false;
        whole.specificity += kClass;
      } else if (eat(':')) {
        if (!pseudo(s, whole)) return false;
        if (whole.pseudo != PseudoElement::none) break;
      } else {
        break;
      }
      c.simple.push_back(std::move(s));
    }
    return at_ > from;
  }

  bool attribute(SimpleSelector& s) {
    s.kind = Kind::attribute;
    skip();
    s.name = to_lower(name());
    skip();
    if (s.name.empty()) return false;
    if (eat(']')) return true;
    if (peek() != '=') s.op = s_[std::min(at_++, s_.size() - 1)];
    if (!eat('=')) return false;
    if (!s.op) s.op = '=';
    skip();
    if (const char quote = peek(); quote == '"' || quote == '\'') {
      const std::size_t close = std::min(s_.find(quote, at_ + 1), s_.size());
      s.value = s_.substr(at_ + 1, close - at_ - 1);
      at_ = std::min(close + 1, s_.size());
    } else {
      s.value = name();
    }
    skip();
    if (peek() == 'i' || peek() == 'I') s.ignore_case = true;
    if (is_alpha(peek())) ++at_;
    skip();
    return eat(']') && std::string_view("=~|^$*").find(s.op) != std::string_view::npos;
  }

  bool pseudo(SimpleSelector& s, Selector& whole) {
    const bool element = eat(':');
    const std::string n = to_lower(name());
    const bool call = eat('(');
    const std::string_view inside = call ? argument() : std::string_view();
    if (element || n == "before" || n == "after" || n == "first-letter" || n == "first-line") {
      whole.pseudo = n == "before" || n == "after" || n == "marker" ? PseudoElement::generated
                     : n == "first-letter"                          ? PseudoElement::first_letter
                     : n == "first-line"                            ? PseudoElement::first_line
                                                                    : PseudoElement::other;
      ++whole.specificity;
      return true;
    }
    if (n == "is" || n == "where" || n == "not" || n == "has" || n == "matches" || n == "-webkit-any") {
      if (!call || depth_ >= kMaxDepth) return false;
      s.kind = n == "not" ? Kind::not_ : n == "has" ? Kind::has : Kind::is;
      s.inner = parse_selectors(inside, n == "has", depth_ + 1);
      if (s.inner.empty() && (n == "not" || n == "has")) return false;
      std::uint32_t most = 0;
      for (const auto& i : s.inner) most = std::max(most, i.specificity);
      if (n != "where") whole.specificity += most;
      return true;
    }
    whole.specificity += kClass;
    struct Row {
      std::string_view name;
      int a, b;
      bool of_type, from_end;
    };
    static constexpr std::array<Row, 8> kRows{{{"first-child", 0, 1, false, false},
                                               {"last-child", 0, 1, false, true},
                                               {"first-of-type", 0, 1, true, false},
                                               {"last-of-type", 0, 1, true, true},
                                               {"nth-child", 1, 0, false, false},
                                               {"nth-last-child", 1, 0, false, true},
                                               {"nth-of-type", 1, 0, true, false},
                                               {"nth-last-of-type", 1, 0, true, true}}};
    for (const auto& row : kRows) {
      if (row.name != n) continue;
      s.kind = Kind::nth;
      s.a = call ? 0 : row.a;
      s.b = row.b;
      s.of_type = row.of_type;
      s.from_end = row.from_end;
      return call ? (s.b = 0, parse_nth(inside, s)) : row.a == 0;
    }
    if (n == "only-child" || n == "only-of-type") {
      s.kind = Kind::is;
      s.inner = parse_selectors(n == "only-child" ? ":first-child:last-child" : ":first-of-type:last-of-type",
                                false, depth_ + 1);
      return !s.inner.empty();
    }
    static constexpr std::array<std::string_view, 21> kNever{
        "hover",         "focus",        "focus-within",  "focus-visible", "active",
        "visited",       "target",       "invalid",       "playing",       "modal",
        "fullscreen",    "popover-open", "indeterminate", "past",          "future",
        "target-within", "user-invalid", "autofill",      "user-valid",    "picture-in-picture",
        "-moz-any-link"};
    static constexpr std::array<std::string_view, 8> kAlways{"enabled", "valid",     "optional", "in-range",
                                                             "defined", "read-only", "scope",    "host"};
    const auto among = [&](const auto& list) { return std::find(list.begin(), list.end(), n) != list.end(); };
    if (n == "root")
      s.kind = Kind::root;
    else if (n == "empty")
      s.kind = Kind::empty;
    else if (n == "link" || n == "any-link" || n == "-webkit-any-link")
      s.kind = Kind::link;
    else if (n == "open")
      s.kind = Kind::open;
    else if (n == "checked" || n == "default")
      s.kind = Kind::checked;
    else if (n == "lang" && call)
      s.kind = Kind::lang, s.value = to_lower(trim(inside));
    else if (among(kNever))
      s.kind = Kind::never;
    else if (!among(kAlways))
      return false;
    return true;
  }

  std::string_view s_;
  bool relative_;
  int depth_;
  std::size_t at_ = 0;
};

}  // namespace

void css_escape(std::string_view s, std::size_t& at, std::string& out) {
  std::size_t i = at + 1, digits = 0;
  char32_t c = 0;
  for (; i < s.size() && digits < 6 && hex_value(s[i]) >= 0; ++i, ++digits)
    c = c * 16 + static_cast<char32_t>(hex_value(s[i]));
  if (digits) {
    if (i < s.size() && is_space(s[i])) ++i;
    put_char(out, c == 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? U'\uFFFD' : c);
  } else if (i < s.size()) {
    if (s[i] != '\n') out += s[i];
    ++i;
  }
  at = i;
}

std::vector<Selector> parse_selectors(std::string_view list, bool relative, int depth) {
  list = trim(list);
  if (list.empty() || list.size() > 8192 || depth > kMaxDepth) return {};
  return Parser(list, relative, depth).list();
}

}  // namespace mailroom::mime
