#include "policy/loop_guard.hpp"

#include <algorithm>
#include <array>

#include "mime/ascii.hpp"
#include "policy/comments.hpp"

namespace mailroom::policy {
namespace {

using mime::iequals;
using mime::istarts_with;

constexpr std::size_t kMaxReceived = 50;

Verdict refuse(const char* rule, std::string why) { return {false, rule, std::move(why)}; }

// RFC 3834 §5 allows parameters and comments: " no (a person); x=y" is `no`.
std::string keyword(std::string_view value) {
  const std::string plain = without_comments(value);
  const std::string_view head = std::string_view(plain).substr(0, plain.find(';'));
  return mime::to_lower(mime::trim(head));
}

bool any_word(std::string_view value, std::initializer_list<std::string_view> words) {
  std::string lower = mime::to_lower(value);
  std::replace_if(
      lower.begin(), lower.end(), [](char c) { return c == ',' || c == ';' || mime::is_space(c); }, ' ');
  lower = " " + lower + " ";
  return std::any_of(words.begin(), words.end(), [&](std::string_view w) {
    return lower.find(" " + std::string(w) + " ") != std::string::npos;
  });
}

// Local parts that no person reads, as whole words: "no-reply", "noreply+7", "bounce-12", "listname-bounces".
bool machine_name(std::string_view address) {
  std::string local = mime::to_lower(address.substr(0, address.rfind('@')));
  local.erase(std::remove(local.begin(), local.end(), '"'), local.end());
  std::string squeezed;
  for (const char c : local)
    if (c != '-' && c != '_' && c != '.') squeezed += c;
  static constexpr std::array kExact{"mailerdaemon", "postmaster", "majordomo", "listserv",  "daemon",
                                     "bounce",       "bounces",    "nobody",    "autoreply", "autoresponder"};
  static constexpr std::array kPrefix{"noreply", "donotreply", "mailerdaemon", "noanswer", "neantwoorden"};
  const std::string_view base = std::string_view(squeezed).substr(0, squeezed.find_first_of("+="));
  if (std::any_of(kExact.begin(), kExact.end(), [&](const char* n) { return base == n; })) return true;
  if (std::any_of(kPrefix.begin(), kPrefix.end(), [&](const char* n) { return base.starts_with(n); }))
    return true;
  // RFC 3834 §2: owner-*, *-request, and the bounce addresses of list managers.
  return local.starts_with("owner-") || local.ends_with("-request") || local.ends_with("-owner") ||
         local.ends_with("-bounces") || local.starts_with("bounce-") || local.starts_with("bounces+");
}

bool is_own(std::string_view address, const std::vector<std::string>& own) {
  return std::any_of(own.begin(), own.end(), [&](const std::string& o) { return iequals(o, address); });
}

bool null_path(std::string_view value) {
  const std::string_view t = mime::trim(value);
  return t.starts_with('<') && mime::trim(t.substr(1)).starts_with('>');
}

}  // namespace

Verdict may_auto_reply_to(std::string_view address, const std::vector<std::string>& own) {
  if (address.empty()) return refuse("no_sender", "the message names nobody to answer");
  if (is_own(address, own)) return refuse("own_address", "the answer would go to the account itself");
  if (machine_name(address)) return refuse("machine_sender", "the address is a machine's by its name");
  return {};
}

Verdict may_auto_reply(const mime::Message& m, const std::vector<std::string>& own,
                       const std::vector<std::string>& own_message_ids) {
  std::size_t received = 0;
  for (const mime::HeaderField& h : m.headers) {
    if (iequals(h.name, "Auto-Submitted")) {
      if (const std::string k = keyword(h.value); !k.empty() && k != "no")
        return refuse("auto_submitted", "the message was itself sent by a machine (Auto-Submitted)");
    } else if (iequals(h.name, "Precedence")) {
      if (any_word(keyword(h.value), {"bulk", "junk", "list"}))
        return refuse("precedence", "the message is bulk mail (Precedence)");
    } else if (istarts_with(h.name, "List-")) {
      return refuse("list", "the message came over a mailing list (List-*)");
    } else if (iequals(h.name, "X-Auto-Response-Suppress")) {
      if (any_word(h.value, {"all", "autoreply", "oof"}))
        return refuse("suppressed", "the sender asks for no automatic answers (X-Auto-Response-Suppress)");
    } else if (iequals(h.name, "Return-Path")) {
      if (null_path(h.raw.empty() ? h.value : h.raw))
        return refuse("null_return_path", "the message is a bounce (null Return-Path)");
    } else if (iequals(h.name, "Received") && ++received > kMaxReceived) {
      return refuse("hops", "the message has been through too many servers: it may be in a loop");
    }
  }
  // The header too: a report whose parts cannot be found is one all the same.
  const std::string* type = m.header("Content-Type");
  if ((type && istarts_with(mime::trim(*type), "multipart/report")) ||
      std::any_of(m.part_types.begin(), m.part_types.end(), [](const std::string& t) {
        return t == "message/delivery-status" || t == "message/disposition-notification";
      }))
    return refuse("report", "the message is a delivery or read report");
  if (m.message_id &&
      std::find(own_message_ids.begin(), own_message_ids.end(), *m.message_id) != own_message_ids.end())
    return refuse("own_message", "the message was sent by this account");
  if (m.from.empty() && m.reply_to.empty() && m.sender.empty())
    return refuse("no_sender", "the message names nobody to answer");
  for (const auto* list : {&m.from, &m.sender, &m.reply_to})
    for (const mime::Address& a : *list)
      if (!a.address.empty())
        if (Verdict v = may_auto_reply_to(a.address, own); !v) return v;
  return {};
}

std::string answered_address(const mime::Message& m) {
  std::string found;
  for (const mime::Address& a : m.reply_to.empty() ? m.from : m.reply_to) {
    if (a.address.empty() || iequals(a.address, found)) continue;
    if (!found.empty()) return {};
    found = a.address;
  }
  return found;
}

Verdict may_answer_by_rule(const mime::Message& m, const std::vector<std::string>& own,
                           std::int64_t arrived_s, std::int64_t now_s) {
  if (Verdict v = may_auto_reply(m, own); !v) return v;
  if (answered_address(m).empty())
    return refuse("one_address", "the answer would go to several addresses, or to none");
  if (now_s - arrived_s > kAnswerWithin) return refuse("old", "the message arrived more than two days ago");
  return {};
}

}  // namespace mailroom::policy
