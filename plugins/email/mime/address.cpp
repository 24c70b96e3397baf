// Address lists: RFC 5322 §3.4 with the obsolete forms of §4.4, and what is found in the wild. One pass, no
// recursion.
//
// The structure is found first and encoded words are decoded afterwards, so that a word that decodes to
// "<evil@example>" stays a name.
#include <algorithm>

#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/headers.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxFragments = 3;  // "Blow, Joe, Jr. <joe@x>"

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
    if (const std::size_t word = c == '=' ? encoded_word_length(s_.substr(at_)) : 0; word > 0) {
      take(s_.substr(at_, word));  // whole: a '<' or ',' in it is of the name, whatever it says
      at_ += word;
    } else if (c == '\\' && at_ + 1 < s_.size()) {
      take(s_.substr(at_ + 1, 1));
      at_ += 2;
    } else if (c == '"') {
      quoted();
    } else if (c == '(') {
      comment();
    } else if (c == '<') {
      angle();
    } else if (c == ',') {
      comma();
      ++at_;
    } else if (c == ';') {
      finish();
      end_group();
      ++at_;
    } else if (c == ':' && !in_group_ && !has_angle_ && !has_address()) {
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
      const std::size_t end = std::min(s_.find_first_of("\"(<,;:[=\\", at_ + 1), s_.size());
      take(s_.substr(at_, end - at_));
      at_ = end;
    }
  }

  // An '@' so far, outside quotes and encoded words.
  bool has_address() const {
    bool quoted = false;
    for (std::size_t i = 0; i < bare_.size(); ++i) {
      if (bare_[i] == '\\' && quoted)
        ++i;
      else if (bare_[i] == '"')
        quoted = !quoted;
      else if (bare_[i] == '@' && !quoted)
        return true;
    }
    return false;
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
    bare_ += ' ';
    close_gap();
  }

  // "Blow, Joe <joe@x>": a name without an address may go on behind its comma.
  void comma() {
    const bool name_only = !has_angle_ && bare_.find('@') == bare_.npos && !trim(bare_).empty();
    if (!name_only || fragments_.size() >= kMaxFragments) {
      finish();
      return;
    }
    fragments_.emplace_back(trim(phrase_));
    clear();
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
    const std::string compact = without_space(inside);
    std::string_view address = compact;
    if (!address.empty() && address[0] == '@') {  // a source route (§4.4)
      const std::size_t colon = address.find(':');
      if (colon != address.npos) address = address.substr(colon + 1);
    }
    address = unwrapped(address);
    if (has_angle_ && address.find('@') != address.npos &&
        address != angle_) {  // "A <a@x> B <b@x>": a comma was forgotten
      std::string next = phrase_.substr(name_end_);
      phrase_.resize(name_end_);
      finish();
      phrase_ = std::move(next);
    }
    if (!has_angle_) {
      angle_ = address;
      name_end_ = phrase_.size();
    }
    has_angle_ = true;
    close_gap();
  }

  // Comments and white space do not count within an address; within quotes they do.
  static std::string without_space(std::string_view s) {
    std::string out;
    bool in_quotes = false;
    int depth = 0;
    const bool comments = s.find(')') != s.npos;
    for (std::size_t i = 0; i < s.size(); ++i) {
      const char c = s[i];
      if (c == '\\' && i + 1 < s.size() && (in_quotes || depth)) {
        if (in_quotes) out.append(s, i, 2);
        ++i;
        continue;
      }
      if (c == '"' && !depth) in_quotes = !in_quotes;
      if (!in_quotes && comments && c == '(') ++depth;
      if (!depth && (in_quotes || !is_space(c))) out += c;
      if (!in_quotes && c == ')' && depth > 0) --depth;
    }
    if (out.find('@') == out.npos) return std::string(trim(s));  // "joe at example.org"
    return out;
  }

  // "mailto:a@b", "'a@b'", "[a@b]", "a@b>": what people and programs leave around an address.
  static std::string_view unwrapped(std::string_view s) {
    const auto around = [&](char open, char close) {
      if (s.size() > 2 && s.front() == open && s.back() == close) s = s.substr(1, s.size() - 2);
    };
    around('[', ']');
    around('\'', '\'');
    if (istarts_with(s, "mailto:")) s.remove_prefix(7);
    while (s.starts_with('<')) s.remove_prefix(1);
    while (s.ends_with('>')) s.remove_suffix(1);
    return s;
  }

  void add(std::string name, std::string address) {
    if (name.empty() && address.empty()) return;
    if (found_.size() >= max_) return;
    ++members_;
    found_.push_back({std::move(name), std::move(address), group_});
  }

  static std::string name_of(std::string_view phrase) { return decode_header(trim(phrase)); }

  // What was taken out of a phrase leaves one blank, not two.
  void close_gap() {
    while (at_ < s_.size() && is_space(s_[at_])) ++at_;
    if (!phrase_.empty() && !is_space(phrase_.back())) phrase_ += ' ';
  }

  void finish() {
    if (has_angle_) {
      std::string phrase;
      for (const auto& fragment : fragments_) phrase += fragment + ", ";
      fragments_.clear();
      phrase += trim(phrase_);
      std::string name = name_of(phrase);
      if (name.empty()) name = name_of(comment_);
      add(std::move(name), one_line(lossy_utf8(angle_)));
    } else {
      for (const auto& fragment : fragments_) add(name_of(fragment), {});
      fragments_.clear();
      without_angle();
    }
    clear();
  }

  // "joe@example.org (Joe)", "Joe joe@example.org", "joe @ example . org", "root".
  void without_angle() {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < bare_.size();) {
      std::size_t end = at;
      bool in_quotes = false;
      for (; end < bare_.size() && (in_quotes || !is_space(bare_[end])); ++end) {
        if (bare_[end] == '\\' && in_quotes) ++end;
        if (end < bare_.size() && bare_[end] == '"') in_quotes = !in_quotes;
      }
      std::string word = bare_.substr(at, end - at);
      at = end + 1;
      if (word.empty()) continue;
      const bool glued =
          !words.empty() &&
          (word[0] == '@' || words.back().ends_with('@') ||
           (words.back().find('@') != std::string::npos && (word[0] == '.' || words.back().ends_with('.'))));
      if (glued)
        words.back() += word;
      else
        words.push_back(std::move(word));
    }
    const auto is_address = [](const std::string& word) {
      return word.find('@') != std::string::npos && encoded_word_length(word) != word.size();
    };
    const auto addresses = static_cast<std::size_t>(std::count_if(words.begin(), words.end(), is_address));
    if (addresses == 0) {
      add(name_of(phrase_), {});
      return;
    }
    if (addresses == words.size()) {  // "a@x b@x": commas were forgotten
      for (const auto& word : words)
        if (found_.size() < max_)
          add(words.size() == 1 ? name_of(comment_) : std::string(), one_line(lossy_utf8(unwrapped(word))));
      return;
    }
    const auto last = std::find_if(words.rbegin(), words.rend(), is_address);
    std::string name;
    for (auto word = words.rbegin(); word != words.rend(); ++word)
      if (word != last) name = *word + (name.empty() ? "" : " ") + name;
    name = name_of(name);
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
    if (name.empty()) name = name_of(comment_);
    add(std::move(name), one_line(lossy_utf8(unwrapped(*last))));
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
    name_end_ = 0;
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
  std::size_t name_end_ = 0;            // of `phrase_`, where the first angle began
  std::vector<std::string> fragments_;  // names behind which a comma came and no address yet
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
