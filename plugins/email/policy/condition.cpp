#include "policy/condition.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "mime/ascii.hpp"

namespace mailroom::policy {
namespace {

using Kind = Condition::Kind;
using Limits = ConditionLimits;

[[noreturn]] void bad(const std::string& where, const std::string& why, std::string cure = {}) {
  throw Failure(Errc::config, where + " " + why, where, std::move(cure));
}

struct RegexField {
  const char* name;
  Field field;
};
constexpr std::array kRegexes{
    RegexField{"from_regex", Field::from},       RegexField{"to_regex", Field::to},
    RegexField{"cc_regex", Field::cc},           RegexField{"subject_regex", Field::subject},
    RegexField{"list_id_regex", Field::list_id}, RegexField{"body_regex", Field::body}};

std::uint64_t bytes(const aoh::Json& j, const std::string& where) {
  if (!j.is_int() || j.integer() < 0)
    bad(where, "is not a number of bytes", "Write a whole number, such as 1000000");
  return static_cast<std::uint64_t>(j.integer());
}

std::vector<std::string> words(const aoh::Json& j, const std::string& where) {
  std::vector<std::string> out;
  if (j.is_string()) out.push_back(j.str());
  for (const aoh::Json& item : j.items()) {
    if (!item.is_string()) bad(where, "is not a list of texts");
    out.push_back(item.str());
  }
  if (out.empty() || out.size() > Limits::kWords)
    bad(where, "is not one text, or a list of at most " + std::to_string(Limits::kWords));
  return out;
}

std::string mime_type(const std::string& word, const std::string& where) {
  const std::string lower = mime::to_lower(word);
  const std::size_t slash = lower.find('/');
  if (slash == 0 || slash == std::string::npos || slash + 1 == lower.size() ||
      (lower.find('*') != std::string::npos && (!lower.ends_with("/*") || lower.find('*') != slash + 1)))
    bad(where, "is not a MIME type: \"" + printable(word, 60) + "\"", "Write application/pdf, or image/*");
  return lower;
}

// "seen" and "\Seen" are the system's flag, anything else a keyword (RFC 3501 §2.3.2); no case.
std::string flag(const std::string& word) {
  static constexpr std::array kSystem{"seen", "answered", "flagged", "deleted", "draft", "recent"};
  std::string lower = mime::to_lower(word);
  return std::find(kSystem.begin(), kSystem.end(), lower) == kSystem.end() ? lower : "\\" + lower;
}

class Compiler {
 public:
  explicit Compiler(Patterns& patterns) : patterns_(patterns) {}

  // Every member of `j` must hold.
  Condition map(const aoh::Json& j, const std::string& where, int depth) {
    if (!j.is_object()) bad(where, "is not a map of conditions");
    if (depth > Limits::kDepth)
      bad(where, "is nested deeper than " + std::to_string(Limits::kDepth) + " levels");
    Condition c = made(Kind::all, "all", where);
    for (const auto& m : j.members()) member(c, m.key, m.value, where + "." + m.key, depth);
    return c;
  }

 private:
  Condition made(Kind kind, std::string name, const std::string& where) {
    if (++count_ > Limits::kConditions)
      bad(where, "makes more than " + std::to_string(Limits::kConditions) + " conditions",
          "Split it into several");
    Condition c;
    c.kind = kind;
    c.name = std::move(name);
    return c;
  }

  Condition regex(Field field, std::string_view header, std::string name, const aoh::Json& j,
                  const std::string& where) {
    if (!j.is_string()) bad(where, "is not a string");
    Condition c = made(Kind::pattern, std::move(name), where);
    c.pattern = patterns_.add(field, header, j.str(), where);
    return c;
  }

  void member(Condition& to, const std::string& key, const aoh::Json& j, const std::string& where,
              int depth) {
    const auto regex_field =
        std::find_if(kRegexes.begin(), kRegexes.end(), [&](const RegexField& f) { return key == f.name; });
    if (regex_field != kRegexes.end()) {
      if (!j.is_null()) to.children.push_back(regex(regex_field->field, "", key, j, where));
    } else if (key == "header_regex") {
      headers(to, j, where);
    } else if (key == "folder") {
      Condition c = made(Kind::folder, key, where);
      c.words = words(j, where);
      to.children.push_back(std::move(c));
    } else if (key == "mime_type" || key == "larger" || key == "smaller") {
      to.children.push_back(plain(key, j, where));
    } else if (key == "attachment") {
      to.children.push_back(attachment(j, where));
    } else if (key == "authentication") {
      authentication(to, j, where);
    } else if (key == "flags") {
      Condition c = made(Kind::flags, key, where);
      for (const std::string& w : words(j, where)) c.words.push_back(flag(w));
      to.children.push_back(std::move(c));
    } else if (key == "older_than" || key == "newer_than") {
      Condition c = made(key == "older_than" ? Kind::older : Kind::newer, key, where);
      c.number = duration_s(j, where);
      to.children.push_back(std::move(c));
    } else if (key == "all" || key == "any") {
      Condition c = made(key == "all" ? Kind::all : Kind::any, key, where);
      if (!j.is_array() || j.empty()) bad(where, "is not a list of maps of conditions");
      for (std::size_t i = 0; i < j.size(); ++i)
        c.children.push_back(map(j.at(i), where + "." + std::to_string(i), depth + 1));
      to.children.push_back(std::move(c));
    } else if (key == "not") {
      Condition c = made(Kind::negation, key, where);
      c.children.push_back(map(j, where, depth + 1));
      to.children.push_back(std::move(c));
    } else {
      bad(where, "is not a condition", "docs/rules.md lists the conditions");
    }
  }

  Condition plain(const std::string& key, const aoh::Json& j, const std::string& where) {
    Condition c = made(key == "mime_type" ? Kind::mime_type
                       : key == "larger"  ? Kind::larger
                                          : Kind::smaller,
                       key, where);
    if (c.kind == Kind::mime_type)
      for (const std::string& w : words(j, where)) c.words.push_back(mime_type(w, where));
    else
      c.number = bytes(j, where);
    return c;
  }

  void headers(Condition& to, const aoh::Json& j, const std::string& where) {
    if (!j.is_object() || j.empty() || j.size() > Limits::kHeaders)
      bad(where, "is not a map of 1 to " + std::to_string(Limits::kHeaders) + " header fields to patterns");
    for (const auto& m : j.members()) {
      const bool good =
          !m.key.empty() && m.key.size() <= 200 &&
          std::all_of(m.key.begin(), m.key.end(), [](char ch) { return ch > ' ' && ch < 127 && ch != ':'; });
      if (!good) bad(where, "names no header field: \"" + printable(m.key, 60) + "\"");
      to.children.push_back(
          regex(Field::header, m.key, "header_regex." + m.key, m.value, where + "." + m.key));
    }
  }

  Condition attachment(const aoh::Json& j, const std::string& where) {
    if (!j.is_object()) bad(where, "is not a map", "Write attachment: {} for any attachment");
    Condition c = made(Kind::attachment, "attachment", where);
    for (const auto& m : j.members()) {
      const std::string at = where + "." + m.key;
      if (m.key == "name_regex")
        c.children.push_back(regex(Field::attachment_name, "", m.key, m.value, at));
      else if (m.key == "mime_type" || m.key == "larger" || m.key == "smaller")
        c.children.push_back(plain(m.key, m.value, at));
      else
        bad(at, "is not a condition on an attachment", "Use name_regex, mime_type, larger, smaller");
    }
    return c;
  }

  void authentication(Condition& to, const aoh::Json& j, const std::string& where) {
    static constexpr std::array kMethods{"spf", "dkim", "dmarc"};
    static constexpr std::array kVerdicts{"pass",   "fail",      "softfail",  "neutral", "none",
                                          "policy", "temperror", "permerror", "unknown"};
    if (!j.is_object() || j.empty()) bad(where, "is not a map of spf, dkim or dmarc to verdicts");
    for (const auto& m : j.members()) {
      const std::string at = where + "." + m.key;
      if (std::find(kMethods.begin(), kMethods.end(), m.key) == kMethods.end())
        bad(at, "is not a method", "Use spf, dkim, dmarc");
      Condition c = made(Kind::authentication, "authentication." + m.key, at);
      c.method = m.key;
      c.words = words(m.value, at);
      for (const std::string& w : c.words)
        if (std::find(kVerdicts.begin(), kVerdicts.end(), w) == kVerdicts.end())
          bad(at, "is not a verdict: \"" + printable(w, 60) + "\"",
              "Use pass, fail, softfail, neutral, none, policy, temperror, permerror, unknown");
      to.children.push_back(std::move(c));
    }
  }

  Patterns& patterns_;
  std::size_t count_ = 0;
};

}  // namespace

std::uint64_t duration_s(const aoh::Json& j, const std::string& where) {
  const std::string& text = j.str();
  std::uint64_t n = 0;
  std::size_t i = 0;
  for (; i < text.size() && mime::is_digit(text[i]) && n < 1'000'000'000; ++i)
    n = n * 10 + static_cast<std::uint64_t>(text[i] - '0');
  const std::string_view unit = std::string_view(text).substr(i);
  const std::uint64_t each = unit == "s"   ? 1
                             : unit == "m" ? 60
                             : unit == "h" ? 3600
                             : unit == "d" ? 86'400
                                           : 0;
  if (i == 0 || each == 0 || n * each > 3660 * 86'400ull)
    bad(where, "is not a duration of at most ten years", "Write 90s, 30m, 72h or 7d");
  return n * each;
}

Condition compile_condition(const aoh::Json& match, const std::string& where, Patterns& patterns) {
  return Compiler(patterns).map(match, where, 1);
}

}  // namespace mailroom::policy
