#include "deliver/suppression.hpp"

#include <algorithm>

#include "mime/ascii.hpp"

namespace mailroom::deliver {
namespace {

using Kind = Consequence::Kind;
using Action = ReportedRecipient::Action;

/// The Kind of what was reported; nothing for a success.
std::optional<Kind> kind_of(const ReportedRecipient& r) {
  switch (r.action) {
    case Action::delayed:
      return Kind::delayed;
    case Action::failed:
      return is_dead_address(r.status) ? Kind::dead : Kind::failed;
    default:
      return std::nullopt;
  }
}

bool is_complaint_of_a_person(std::string_view type) {
  // Auth-failure (RFC 6591) is about signatures, not-spam (RFC 6430) is the contrary.
  return type != "not-spam" && type != "auth-failure";
}

}  // namespace

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::delayed:
      return "delayed";
    case Kind::failed:
      return "failed";
    case Kind::dead:
      return "dead";
    case Kind::complaint:
      return "complaint";
  }
  return "failed";
}

bool is_dead_address(std::string_view status) {
  if (!status.starts_with("5.")) return false;
  const std::string_view detail = status.substr(2);
  if (detail == "0.0") return true;
  if (detail == "1.7" || detail == "1.8" || detail == "1.9") return false;  // the sender's address
  if (detail.starts_with("1.")) return true;
  if (detail == "2.0" || detail == "2.1") return true;
  return detail == "4.1" ||
         detail ==
             "4.4";  // no answer from the host (also "no such user" of one large service); no route to it
}

Consequences consequences_of(const Report& report, std::string_view credential_id, const SentLookup& sent) {
  Consequences out;
  if (report.message_id.empty() && report.envelope_id.empty()) {
    out.ignored = "it does not say which message it is about";
    return out;
  }
  const std::optional<SentFact> fact = sent(report.message_id, report.envelope_id);
  if (!fact || fact->credential_id != credential_id) {
    out.ignored = "it is about no message that this account sent";
    return out;
  }
  const bool complaint = report.kind == Report::Kind::complaint;
  if (complaint && !is_complaint_of_a_person(report.feedback_type)) {
    out.ignored = "it is no complaint";
    return out;
  }
  const auto add = [&](Kind kind, const std::string& address, const ReportedRecipient& r) {
    const bool twice = std::any_of(out.each.begin(), out.each.end(),
                                   [&](const Consequence& c) { return c.address == address; });
    if (!twice) out.each.push_back({kind, address, r.status, r.diagnostic});
  };
  for (const ReportedRecipient& r : report.recipients) {
    const std::optional<Kind> kind = complaint ? Kind::complaint : kind_of(r);
    if (!kind) continue;
    const auto to = std::find_if(fact->recipients.begin(), fact->recipients.end(),
                                 [&](const std::string& a) { return mime::iequals(a, r.address); });
    if (to == fact->recipients.end())
      ++out.strangers;
    else
      add(*kind, *to, r);
  }
  if (complaint && report.recipients.empty() && fact->recipients.size() == 1)
    add(Kind::complaint, fact->recipients.front(), {});
  if (out.each.empty())
    out.ignored = out.strangers ? "it names nobody that the message was sent to" : "it tells of no failure";
  else
    out.outbox_id = fact->outbox_id;
  return out;
}

}  // namespace mailroom::deliver
