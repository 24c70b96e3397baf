#include "mime/thread.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "mime/ascii.hpp"
#include "mime/outgoing.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

// What mail programs put before a subject, by language; compared without ASCII case, a ':' (or its full-width
// form) follows.
constexpr std::array<std::string_view, 18> kReply{"re",   "aw",   "sv",   "antw", "odp",  "vs",
                                                  "res",  "rif",  "ynt",  "ats",  "bls",  "回复",
                                                  "回覆", "答复", "答覆", "返信", "답장", "回信"};
constexpr std::array<std::string_view, 15> kForward{
    "fwd", "fw", "wg", "tr", "rv", "vb", "vl", "enc", "doorst", "pd", "转发", "轉寄", "转寄", "전달", "転送"};

// The length of a prefix at the start of `s` with its colon and spaces, 0 when there is none: "Re: ",
// "AW[2]:", "Re^3: ".
template <std::size_t N>
std::size_t prefix_length(std::string_view s, const std::array<std::string_view, N>& prefixes) {
  std::size_t longest = 0;
  for (auto prefix : prefixes) {
    if (!istarts_with(s, prefix)) continue;
    std::size_t at = prefix.size();
    if (at < s.size() && (s[at] == '[' || s[at] == '(' || s[at] == '^')) {
      const char close = s[at] == '[' ? ']' : s[at] == '(' ? ')' : '\0';
      std::size_t digits = at + 1;
      while (digits < s.size() && is_digit(s[digits])) ++digits;
      if (digits == at + 1) continue;
      if (close && (digits >= s.size() || s[digits] != close)) continue;
      at = digits + (close ? 1 : 0);
    }
    while (at < s.size() && s[at] == ' ') ++at;
    constexpr std::string_view kWideColon = "：";
    if (at < s.size() && s[at] == ':')
      ++at;
    else if (s.substr(at).starts_with(kWideColon))
      at += kWideColon.size();
    else
      continue;
    while (at < s.size() && is_space(s[at])) ++at;
    longest = std::max(longest, at);
  }
  return longest;
}

bool is_among(const std::string& address, const std::vector<std::string>& list) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& own) { return iequals(own, address); });
}

// Adds those of `list` that can be written to, are not `own` and are not there yet.
void add(std::vector<Address>& to, const std::vector<Address>& list, const std::vector<std::string>& own,
         const std::vector<Address>& besides = {}) {
  constexpr std::size_t kMaxName = 200;
  const auto has = [](const std::vector<Address>& in, const Address& a) {
    return std::any_of(in.begin(), in.end(), [&](const Address& b) { return iequals(a.address, b.address); });
  };
  for (const auto& a : list) {
    if (a.address.empty() || is_among(a.address, own) || has(to, a) || has(besides, a)) continue;
    if (!address_problem(a.address).empty()) continue;
    to.push_back({std::string(aoh::utf8_prefix(a.name, kMaxName)), a.address, {}});
  }
}

const std::vector<Address>& answer_to(const Message& m) {
  if (!m.reply_to.empty()) return m.reply_to;
  return m.from.empty() ? m.sender : m.from;
}

}  // namespace

Threading reply_threading(const Message& original, std::size_t max_references) {
  Threading t;
  const auto good = [](const std::string& id) { return id_problem(id).empty(); };
  const auto& before = !original.references.empty() || original.in_reply_to.size() != 1
                           ? original.references
                           : original.in_reply_to;
  std::copy_if(before.begin(), before.end(), std::back_inserter(t.references), good);
  if (original.message_id && good(*original.message_id)) {
    t.in_reply_to = *original.message_id;
    std::erase(t.references, t.in_reply_to);
    t.references.push_back(t.in_reply_to);
  }
  const std::size_t most = std::max<std::size_t>(max_references, 2);
  if (t.references.size() > most)
    t.references.erase(t.references.begin() + 1, t.references.end() - static_cast<std::ptrdiff_t>(most - 1));
  return t;
}

std::string reply_subject(std::string_view subject) {
  subject = trim(subject);
  if (prefix_length(subject, kReply)) return std::string(subject);
  return subject.empty() ? "Re:" : "Re: " + std::string(subject);
}

std::string forward_subject(std::string_view subject) {
  subject = trim(subject);
  while (const std::size_t length = prefix_length(subject, kForward)) subject.remove_prefix(length);
  return subject.empty() ? "Fwd:" : "Fwd: " + std::string(subject);
}

std::string base_subject(std::string_view subject) {
  subject = trim(subject);
  for (;;) {
    const std::size_t length = std::max(prefix_length(subject, kReply), prefix_length(subject, kForward));
    if (length == 0) return std::string(trim(subject));
    subject.remove_prefix(length);
  }
}

Recipients reply_recipients(const Message& original, const std::vector<std::string>& own, bool all) {
  Recipients r;
  add(r.to, answer_to(original), own);
  const bool from_me = r.to.empty();
  if (from_me) add(r.to, original.to, own);
  if (from_me && r.to.empty()) add(r.to, answer_to(original), {});  // a note to oneself
  if (!all) return r;
  if (!from_me) add(r.cc, original.to, own, r.to);
  add(r.cc, original.cc, own, r.to);
  return r;
}

Draft reply_draft(const Message& original, const std::vector<std::string>& own, bool all) {
  Draft draft;
  auto recipients = reply_recipients(original, own, all);
  draft.to = std::move(recipients.to);
  draft.cc = std::move(recipients.cc);
  draft.subject = reply_subject(aoh::utf8_prefix(original.subject.value_or(""), 2000));
  auto threading = reply_threading(original);
  draft.in_reply_to = std::move(threading.in_reply_to);
  draft.references = std::move(threading.references);
  return draft;
}

}  // namespace mailroom::mime
