#include "store/proto/xml.hpp"

#include "base/error.hpp"

namespace mailroom::store {
namespace {

constexpr std::size_t kMostBytes = 1u << 20, kMostElements = 20'000, kMostName = 100, kMostDepth = 8;

[[noreturn]] void bad(const char* why) {
  throw Failure(Errc::protocol, std::string("the object store's answer is not the XML it should be: ") + why,
                "", "Check that the endpoint is the object store's, not a web page's.");
}

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool name_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == ':';
}

void put_utf8(std::string& out, unsigned long c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

class Reader {
 public:
  explicit Reader(std::string_view s) : s_(s) {}

  Xml document() {
    if (s_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    misc();
    Xml root = element(1);
    misc();
    if (at_ != s_.size()) bad("something stands behind it");
    return root;
  }

 private:
  bool looking_at(std::string_view what) const { return s_.substr(at_).starts_with(what); }
  char peek() const {
    if (at_ >= s_.size()) bad("it ends too early");
    return s_[at_];
  }
  void past(std::string_view end) {
    const auto found = s_.find(end, at_);
    if (found == std::string_view::npos) bad("it ends too early");
    at_ = found + end.size();
  }
  void blanks() {
    while (at_ < s_.size() && blank(s_[at_])) ++at_;
  }
  /// Blanks, comments and processing instructions.
  void misc() {
    for (;;) {
      blanks();
      if (looking_at("<?"))
        past("?>");
      else if (looking_at("<!--"))
        past("-->");
      else
        return;
    }
  }
  std::string name() {
    const std::size_t begin = at_;
    while (at_ < s_.size() && name_char(s_[at_])) ++at_;
    if (at_ == begin || at_ - begin > kMostName) bad("a name is missing or too long");
    return std::string(s_.substr(begin, at_ - begin));
  }
  void reference(std::string& out) {
    const auto end = s_.find(';', at_);
    if (end == std::string_view::npos || end - at_ > 10) bad("a reference without an end");
    const std::string_view r = s_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    static constexpr std::pair<std::string_view, char> kNamed[] = {
        {"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    for (const auto& [n, c] : kNamed)
      if (r == n) {
        out += c;
        return;
      }
    if (r.size() < 2 || r[0] != '#') bad("an unknown reference");
    const bool hex = r[1] == 'x';
    const std::string digits(r.substr(hex ? 2 : 1));
    if (digits.empty() ||
        digits.find_first_not_of(hex ? "0123456789abcdefABCDEF" : "0123456789") != std::string::npos)
      bad("an unknown reference");
    const unsigned long c = std::stoul(digits, nullptr, hex ? 16 : 10);
    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) bad("a reference to no character");
    put_utf8(out, c);
  }
  /// True when the element has no content ("/>").
  bool attributes() {
    for (;;) {
      blanks();
      if (looking_at("/>")) {
        at_ += 2;
        return true;
      }
      if (peek() == '>') {
        ++at_;
        return false;
      }
      name();
      blanks();
      if (peek() != '=') bad("an attribute without a value");
      ++at_;
      blanks();
      const char quote = peek();
      if (quote != '"' && quote != '\'') bad("an attribute without a value");
      ++at_;
      past(std::string_view(&quote, 1));
    }
  }
  Xml element(std::size_t depth) {
    if (depth > kMostDepth) bad("its elements stand too deep");
    if (++elements_ > kMostElements) bad("it has too many elements");
    if (peek() != '<') bad("an element is missing");
    ++at_;
    Xml out;
    const std::string full = name();
    out.name = full.substr(full.rfind(':') + 1);
    if (attributes()) return out;
    for (;;) {
      const char c = peek();
      if (c == '&') {
        reference(out.text);
      } else if (c != '<') {
        out.text += c;
        ++at_;
      } else if (looking_at("</")) {
        at_ += 2;
        if (name() != full) bad("an element ends under another name");
        blanks();
        if (peek() != '>') bad("an element's end has no end");
        ++at_;
        return out;
      } else if (looking_at("<!--")) {
        past("-->");
      } else if (looking_at("<?")) {
        past("?>");
      } else {
        out.children.push_back(element(depth + 1));
      }
    }
  }

  const std::string_view s_;
  std::size_t at_ = 0, elements_ = 0;
};

}  // namespace

const Xml* Xml::child(std::string_view wanted) const {
  for (const Xml& c : children)
    if (c.name == wanted) return &c;
  return nullptr;
}

const std::string& Xml::text_of(std::string_view wanted) const {
  static const std::string none;
  const Xml* c = child(wanted);
  return c ? c->text : none;
}

Xml parse_xml(std::string_view text) {
  if (text.size() > kMostBytes) bad("it has more than 1 MiB");
  if (text.find('\0') != std::string_view::npos) bad("it has a NUL");
  return Reader(text).document();
}

}  // namespace mailroom::store
