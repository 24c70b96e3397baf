// Parameters of structured fields: RFC 2045 §5.1, RFC 2231, and what is found in the wild.
#include <mimetic/contenttype.h>

#include <algorithm>
#include <map>

#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/codec.hpp"
#include "mime/headers.hpp"
#include "mime/parse.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxParameters = 200;

struct Raw {
  std::string name;  // lower case, with its '*'s
  std::string value;
};

// Whether text, not a parameter or a comment, follows the next ')'. Looked for once for each ')', so that a
// field of parentheses costs no more than its length.
class AfterComment {
 public:
  explicit AfterComment(std::string_view s) : s_(s) {}
  bool is_text(std::size_t from) {
    if (!looked_ || close_ < from) {
      looked_ = true;
      close_ = std::min(s_.find(')', from), s_.size());
      std::size_t next = close_ + 1;
      while (next < s_.size() && is_space(s_[next])) ++next;
      text_ = next < s_.size() && s_[next] != ';' && s_[next] != '(';
    }
    return text_;
  }

 private:
  std::string_view s_;
  std::size_t close_ = 0;
  bool looked_ = false, text_ = false;
};

// Comments are white space (RFC 5322 §3.2.2); within quotes they are text. "a(1).txt" and "a (1).txt" without
// quotes, as browsers save them, are file names; "a.txt (mine)" has a comment.
std::string without_comments(std::string_view s) {
  std::string out;
  int depth = 0;
  bool quoted = false, file_name = false;     // file_name: within the value of such a parameter
  std::size_t parameter = std::string::npos;  // where it begins in `out`; none before the first semicolon
  char last = '\0';                           // the last of `out` that is no white space
  AfterComment after(s);
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (c == '\\' && i + 1 < s.size() && (quoted || depth)) {
      if (!depth) {
        out.append(s, i, 2);
        last = s[i + 1];
      }
      ++i;
      continue;
    }
    if (c == '(' && !quoted) {
      const bool text = depth == 0 && file_name && last != '=' && (!is_space(out.back()) || after.is_text(i));
      if (!text) {
        if (depth++ == 0) out += ' ';
        continue;
      }
    } else if (depth) {
      if (c == ')') --depth;
      continue;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ';' && !quoted) {
      parameter = out.size() + 1;
      file_name = false;
    } else if (c == '=' && !quoted && parameter != std::string::npos) {
      const std::string_view name = trim(std::string_view(out).substr(parameter));
      file_name = istarts_with(name, "filename") || istarts_with(name, "name");
      parameter = std::string::npos;  // its name is known; further '=' are of its value
    }
    out += c;
    if (!is_space(c)) last = c;
  }
  return depth ? std::string(s) : out;  // an unclosed comment is none
}

bool is_name(std::string_view s) {
  return !s.empty() && s.size() <= 128 && std::all_of(s.begin(), s.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '*' || c == '.';
  });
}

// "mail-server server=x": a semicolon was forgotten where a space is followed by a name and '='.
std::size_t forgotten_semicolon(std::string_view s) {
  const std::size_t equals = s.find('=');
  if (equals == s.npos) return s.npos;
  std::string_view before = s.substr(0, equals);
  const std::size_t space = before.find_last_of(" \t");
  if (space == before.npos || !is_name(before.substr(space + 1))) return s.npos;
  return space;
}

std::vector<Raw> split(std::string_view s) {
  std::vector<Raw> found;
  std::size_t at = 0;
  while (at < s.size() && found.size() < kMaxParameters) {
    while (at < s.size() && (is_space(s[at]) || s[at] == ';')) ++at;
    const std::size_t equals = s.find_first_of("=;", at);
    if (equals == s.npos) break;
    if (s[equals] == ';') {
      at = equals;
      continue;
    }
    Raw raw;
    raw.name = to_lower(trim(s.substr(at, equals - at)));
    at = equals + 1;
    while (at < s.size() && is_space(s[at])) ++at;
    if (at < s.size() && s[at] == '"') {
      for (++at; at < s.size() && s[at] != '"'; ++at) {
        if (s[at] == '\\' && at + 1 < s.size()) ++at;
        raw.value += s[at];
      }
      ++at;
    } else {
      std::size_t end = std::min(s.find(';', at), s.size());
      const std::size_t forgotten = forgotten_semicolon(s.substr(at, end - at));
      if (forgotten != s.npos) end = at + forgotten;
      raw.value = trim(s.substr(at, end - at));
      at = end;
    }
    if (is_name(raw.name)) found.push_back(std::move(raw));
  }
  return found;
}

// A list that no reader could take for another: each parameter is a name, '=', and a token or a quoted string
// without escapes or semicolons.
bool is_plain(std::string_view s) {
  std::size_t at = 0, count = 0;
  const auto blanks = [&] {
    while (at < s.size() && (s[at] == ' ' || s[at] == '\t' || s[at] == '\r' || s[at] == '\n')) ++at;
  };
  const auto word = [&] {
    const std::size_t start = at;
    while (at < s.size() && (is_alpha(s[at]) || is_digit(s[at]) ||
                             std::string_view("-_.+*%'").find(s[at]) != std::string_view::npos))
      ++at;
    return at > start && at - start <= 128;
  };
  while (at < s.size()) {
    if (s[at++] != ';' || ++count > kMaxParameters) return false;
    blanks();
    if (!word() || at >= s.size() || s[at++] != '=' || at >= s.size()) return false;
    if (s[at] == '"') {
      const std::size_t start = ++at;
      while (at < s.size() && s[at] != '"') {
        const char c = s[at++];
        if (c < ' ' || c > '~' || c == '\\' || c == ';') return false;
      }
      if (at >= s.size() || at == start || is_space(s[start]) || is_space(s[at - 1])) return false;
      ++at;
    } else if (!word()) {
      return false;
    }
    blanks();
  }
  return count > 0;
}

// mimetic reads what is well-formed; what only a tolerant reader understands is split() above.
std::vector<Raw> parameters_of(std::string_view s) {
  if (!is_plain(s)) return split(s);
  std::vector<Raw> found;
  const mimetic::ContentType field("x/y" + std::string(s));
  for (const mimetic::FieldParam& p : field.paramList())
    if (const std::string name = to_lower(trim(std::string_view(p.name()))); is_name(name))
      found.push_back({name, p.value()});
  return found;
}

struct Segment {
  std::string value;
  bool extended = false;
};

std::string letters(std::string_view s) {
  std::string out;
  for (const char c : s)
    if (is_alpha(c) || is_digit(c)) out += lower(c);
  return out;
}

struct Pending {
  std::string name;
  std::optional<std::string> plain;
  std::map<unsigned, Segment> segments;  // by number: they may come in any order (RFC 2231 §3)
};

bool has_control(std::string_view s) { return s.find_first_of(std::string_view("\0\r\n", 3)) != s.npos; }

std::string decoded(std::string_view value, bool& control) {
  HeaderNotes notes;
  std::string text = decode_header(value, &notes);
  control = control || notes.nul || notes.line_end;
  return text;
}

std::string join(const std::map<unsigned, Segment>& segments, bool& control) {
  std::string bytes, charset;
  bool any_extended = false;
  for (const auto& [number, segment] : segments) {  // what is missing is left out, as others do
    std::string_view value = segment.value;
    if (segment.extended && number == segments.begin()->first) {
      const std::size_t q1 = value.find('\'');
      const std::size_t q2 = q1 == value.npos ? value.npos : value.find('\'', q1 + 1);
      if (q2 != value.npos) {
        charset = value.substr(0, q1);
        value.remove_prefix(q2 + 1);
      }
    }
    any_extended = any_extended || segment.extended;
    bytes += segment.extended ? decode_percent(value) : std::string(value);
  }
  if (!any_extended) return decoded(bytes, control);
  std::string text = to_utf8(bytes, charset);
  control = control || has_control(text);
  return one_line(std::move(text));
}

}  // namespace

const std::string* Structured::find(std::string_view name) const {
  for (const auto& parameter : parameters)
    if (parameter.name == name) return &parameter.value;
  return nullptr;
}

Structured parse_structured(std::string_view field_value) {
  Structured result;
  const std::string clean = without_comments(field_value);
  std::string_view s = trim(clean);
  std::size_t end = s.find(';');
  if (const std::string_view first = s.substr(0, end);
      first.find('=') != first.npos && is_name(trim(first.substr(0, first.find('=')))))
    end = 0;            // "filename=x": the value itself was forgotten
  if (end == s.npos) {  // "multipart/mixed boundary=x"
    end = forgotten_semicolon(s);
    if (end == s.npos) end = s.size();
  }
  std::string_view value = trim(s.substr(0, end));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = trim(value.substr(1, value.size() - 2));
  result.value = one_line(aoh::valid_utf8(to_lower(value)));

  std::vector<Pending> pending;
  std::vector<Raw> all = parameters_of(s.substr(end));
  result.gap = all.size() >= kMaxParameters;
  for (auto& raw : all) {
    std::string_view name = raw.name;
    const bool extended = name.ends_with('*');
    if (extended) name.remove_suffix(1);
    std::optional<unsigned> number;
    if (const std::size_t star = name.find('*'); star != name.npos) {
      const std::string_view digits = name.substr(star + 1);
      if (digits.empty() || digits.size() > 3 || !std::all_of(digits.begin(), digits.end(), is_digit)) {
        result.gap = true;
        continue;
      }
      number = static_cast<unsigned>(std::stoul(std::string(digits)));
      name = name.substr(0, star);
    } else if (extended) {
      number = 0;
    }
    auto it = std::find_if(pending.begin(), pending.end(), [&](const Pending& p) { return p.name == name; });
    if (it == pending.end()) it = pending.insert(pending.end(), Pending{std::string(name), {}, {}});
    if (number) {
      const auto [at, is_new] = it->segments.emplace(*number, Segment{raw.value, extended});
      if (!is_new && at->second.value != raw.value) result.repeated.push_back({it->name, raw.value});
    } else if (!it->plain) {
      it->plain = std::move(raw.value);
    } else if (*it->plain != raw.value) {
      result.repeated.push_back({it->name, decode_header(raw.value)});
    }
  }
  for (const auto& p : pending) {
    result.gap = result.gap || (!p.segments.empty() && p.segments.rbegin()->first + 1 != p.segments.size());
    std::string text = p.segments.empty() ? std::string() : join(p.segments, result.control);
    if (text.empty() && p.plain)
      text = decoded(*p.plain, result.control);  // "filename*=utf-8''" names nothing
    result.parameters.push_back({p.name, std::move(text)});
    // "filename=_.txt; filename*=utf-8''%C3%A4.txt": the first is for those who cannot read the second. Two
    // kinds of file are no such pair, nor are two names that everybody can read.
    const auto kind = [](std::string_view name) {
      return to_lower(name.substr(std::min(name.rfind('.'), name.size())));
    };
    if (!p.plain || p.segments.empty()) continue;
    const std::string& taken = result.parameters.back().value;
    std::string plain = decode_header(*p.plain);
    if (kind(plain) != kind(taken) ||
        (is_ascii(plain) && is_ascii(taken) && letters(plain) != letters(taken)))
      result.repeated.push_back({p.name, std::move(plain)});
  }
  return result;
}

std::vector<std::string> parse_ids(std::string_view value) {
  constexpr std::size_t kMax = 200, kMaxId = 998;
  std::vector<std::string> ids;
  const auto add = [&](std::string_view id) {
    id = trim(id);
    if (id.empty() || id.size() > kMaxId || ids.size() >= kMax) return;
    std::string text = decode_header(id);
    if (text.size() <= kMaxId) ids.push_back(std::move(text));  // what is not UTF-8 grows
  };
  std::string decoded;  // "=?utf-8?Q?<a=40x>?=": encoded, its brackets or not
  if (const std::size_t word = value.find("=?"); word != value.npos && word < value.find('<'))
    value = decoded = decode_header(value);
  const bool bracketed = value.find('<') != value.npos;
  for (std::size_t at = 0; at < value.size() && ids.size() < kMax;) {
    if (bracketed) {
      const std::size_t open = value.find('<', at);
      const std::size_t close = open == value.npos ? value.npos : value.find('>', open);
      if (close == value.npos) {  // never closed: a word that looks like one
        const std::string_view rest = value.substr(std::min(open, value.size() - 1) + 1);
        if (const std::string_view word = rest.substr(0, rest.find_first_of(" \t,<"));
            word.find('@') != word.npos)
          add(word);
        break;
      }
      add(value.substr(open + 1, close - open - 1));
      at = close + 1;
    } else {
      const std::size_t end = std::min(value.find_first_of(" \t\r\n,", at), value.size());
      std::string_view word = value.substr(at, end - at);
      while (word.ends_with('>')) word.remove_suffix(1);
      add(word);
      at = end + 1;
    }
  }
  return ids;
}

}  // namespace mailroom::mime
