// Address lists: RFC 5322 §3.4 with the obsolete forms of §4.4, and what is found in the wild. One pass, no
// recursion.
//
// The structure is found first and encoded words are decoded afterwards, so that a word that decodes to
// "<evil@example>" stays a name.
#include "mime/ascii.hpp"
#include "mime/headers.hpp"
#include "mime/parse.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

class List {
 public:
  List(std::string_view s, std::size_t max) : s_(s), max_(max) {}

  std::vector<Address> read() {
    while (at_ < s_.size() && found_.size() < max_) step();
    finish();
    if (in_group_) end_group();
    return std::move(found_);
  }

 private:
  void step() {
    const char c = s_[at_];
    if (c == '"') {
      quoted();
    } else if (c == '(') {
      comment();
    } else if (c == '<') {
      angle();
    } else if (c == ',') {
      finish();
      ++at_;
    } else if (c == ';') {
      finish();
      end_group();
      ++at_;
    } else if (c == ':' && !in_group_ && !has_angle_ && bare_.find('@') == bare_.npos) {
      group_ = decode_header(trim(phrase_));
      in_group_ = true;
      members_ = 0;
      clear();
      ++at_;
    } else if (c == '[') {  // a domain literal holds ':' of IPv6
      const std::size_t end = std::min(s_.find_first_of("],", at_), s_.size());
      take(s_.substr(at_, end - at_));
      at_ = end;
    } else {
      const std::size_t end = std::min(s_.find_first_of("\"(<,;:[", at_ + 1), s_.size());
      take(s_.substr(at_, end - at_));
      at_ = end;
    }
  }

  void take(std::string_view text) {
    phrase_ += text;
    bare_ += text;
  }

  void quoted() {
    const std::size_t start = at_;
    std::size_t end = start + 1;
    while (!no_more_quotes_ && end < s_.size() && s_[end] != '"') end += s_[end] == '\\' ? 2 : 1;
    if (no_more_quotes_ ||
        end >= s_.size()) {  // never closed: a stray mark, or all that follows would be lost
      no_more_quotes_ = true;
      ++at_;
      return;
    }
    for (std::size_t i = start + 1; i < end; ++i) {
      if (s_[i] == '\\') ++i;
      phrase_ += s_[i];
    }
    at_ = end + 1;
    bare_ += s_.substr(start, at_ - start);  // a quoted local part keeps its quotes
  }

  void comment() {
    int depth = 0;
    std::string inside;
    for (; at_ < s_.size(); ++at_) {
      const char c = s_[at_];
      if (c == '\\' && at_ + 1 < s_.size()) {
        inside += s_[++at_];
        continue;
      }
      if (c == '(' && depth++ == 0) continue;
      if (c == ')' && --depth == 0) break;
      inside += c;
    }
    at_ = std::min(at_ + 1, s_.size());
    if (comment_.empty()) comment_ = trim(inside);
    phrase_ += ' ';
  }

  void angle() {
    bool in_quotes = false;
    std::string inside;
    for (++at_; at_ < s_.size(); ++at_) {
      const char c = s_[at_];
      if (c == '"') in_quotes = !in_quotes;
      if (!in_quotes && c == '>') break;
      if (!in_quotes && (c == ',' || c == ';') && inside.find('@') != inside.npos && inside[0] != '@')
        break;                       // never closed
      if (!in_quotes && c == '<') {  // "<<a@b>>", "<Name <a@b>"
        if (!has_angle_) phrase_ += inside;
        inside.clear();
        continue;
      }
      if (in_quotes && c == '\\' && at_ + 1 < s_.size()) {
        inside += c;
        inside += s_[++at_];
        continue;
      }
      inside += c;
    }
    while (at_ < s_.size() && s_[at_] == '>') ++at_;
    std::string_view address = trim(inside);
    if (!address.empty() && address[0] == '@') {  // a source route (§4.4)
      const std::size_t colon = address.find(':');
      if (colon != address.npos) address = trim(address.substr(colon + 1));
    }
    if (!has_angle_) angle_ = address;
    has_angle_ = true;
  }

  void finish() {
    Address a;
    a.group = group_;
    if (has_angle_) {
      a.address = one_line(aoh::valid_utf8(angle_));
      a.name = decode_header(trim(phrase_));
      if (a.name.empty()) a.name = decode_header(comment_);
    } else {
      without_angle(a);
    }
    if (!a.address.empty() || !a.name.empty()) {
      ++members_;
      found_.push_back(std::move(a));
    }
    clear();
  }

  // "joe@example.org (Joe)", "Joe joe@example.org", "joe @ example.org", "root".
  void without_angle(Address& a) {
    const std::string_view bare = trim(bare_);
    const std::size_t at = bare.rfind('@');
    if (at == bare.npos) {
      a.name = decode_header(trim(phrase_));
      return;
    }
    std::size_t from = at;
    while (from > 0 && is_space(bare[from - 1])) --from;
    if (from > 0 && bare[from - 1] == '"') {
      --from;
      while (from > 0 && bare[from - 1] != '"') --from;
      from -= from > 0;
    } else {
      while (from > 0 && !is_space(bare[from - 1])) --from;
    }
    std::size_t to = at + 1;
    while (to < bare.size() && is_space(bare[to])) ++to;
    while (to < bare.size() && !is_space(bare[to])) ++to;
    std::string address;
    bool in_quotes = false;
    for (char c : bare.substr(from, to - from)) {
      if (c == '"') in_quotes = !in_quotes;
      if (in_quotes || !is_space(c)) address += c;
    }
    a.address = one_line(aoh::valid_utf8(address));
    a.name = decode_header(trim(bare.substr(0, from)));
    if (a.name.size() >= 2 && a.name.front() == '"' && a.name.back() == '"')
      a.name = a.name.substr(1, a.name.size() - 2);
    if (a.name.empty()) a.name = decode_header(comment_);
  }

  void end_group() {
    if (in_group_ && members_ == 0 && found_.size() < max_) found_.push_back({{}, {}, group_});
    in_group_ = false;
    group_.clear();
  }

  void clear() {
    phrase_.clear();
    bare_.clear();
    comment_.clear();
    angle_.clear();
    has_angle_ = false;
  }

  std::string_view s_;
  std::size_t max_;
  std::size_t at_ = 0;
  std::vector<Address> found_;
  std::string phrase_;   // of this mailbox so far: quotes removed, comments left out
  std::string bare_;     // the same with quotes: an address may stand in it
  std::string comment_;  // the first one: the name in "a@b (Name)"
  std::string angle_;
  bool has_angle_ = false;
  std::string group_;
  bool in_group_ = false;
  bool no_more_quotes_ = false;  // a quote without its fellow was met
  std::size_t members_ = 0;      // of the open group
};

}  // namespace

std::vector<Address> parse_addresses(std::string_view value, std::size_t max_addresses) {
  const std::string flat = unfold(trim(value), value.size(), nullptr);
  return List(flat, max_addresses).read();
}

}  // namespace mailroom::mime
