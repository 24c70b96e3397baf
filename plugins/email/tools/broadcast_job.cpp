#include "tools/broadcast_job.hpp"

#include <array>

#include "outbox/store.hpp"

namespace mailroom::tools {
namespace {

constexpr std::array<std::pair<BroadcastJob::State, const char*>, 4> kStates{
    {{BroadcastJob::State::running, "running"},
     {BroadcastJob::State::paused, "paused"},
     {BroadcastJob::State::done, "done"},
     {BroadcastJob::State::cancelled, "cancelled"}}};

aoh::Json address_json(const mime::Address& a) {
  aoh::Json j{{"address", a.address}};
  j.set_if(!a.name.empty(), "name", a.name);
  return j;
}

mime::Address address_from(const aoh::Json& j) { return {j["name"].str(), j["address"].str(), {}}; }

}  // namespace

std::string_view name(BroadcastJob::State state) {
  for (const auto& [s, text] : kStates)
    if (s == state) return text;
  return "";
}

std::string BroadcastLine::dump() const {
  aoh::Json j{{"to", address_json(to)}, {"subject", subject}};
  j.set_if(!text.empty(), "text", text);
  j.set_if(!html.empty(), "html", html);
  j.set_if(!unsubscribe_url.empty(), "unsubscribe_url", unsubscribe_url);
  return j.dump() + "\n";
}

BroadcastLine BroadcastLine::from(const aoh::Json& j) {
  return {address_from(j["to"]), j["subject"].str(), j["text"].str(), j["html"].str(),
          j["unsubscribe_url"].str()};
}

aoh::Json BroadcastJob::to_json(std::int64_t now) const {
  // The states of an outbox record, for those who list them.
  const char* outbox_state = state == State::done        ? "sent"
                             : state == State::cancelled ? "cancelled"
                                                         : "queued";
  aoh::Json reply = aoh::Json::array(), files = aoh::Json::array();
  for (const mime::Address& a : reply_to) reply.push(address_json(a));
  for (const aoh::Json& a : attachments) files.push(a);
  return aoh::Json{{"id", id},
                   {"state", outbox_state},
                   {"kind", "broadcast"},
                   {"summary", "broadcast to " + std::to_string(total) + ", " + std::string(name(state)) +
                                   " at " + std::to_string(next) + ": " + subject},
                   {"created_unix_ns", created_unix_ns},
                   {"updated_unix_ns", now},
                   {"credential_id", credential_id},
                   {"session_id", session_id},
                   {"request_sha256", request_sha256},
                   {"broadcast_state", std::string(name(state))},
                   {"send_at_unix_ns", send_at_unix_ns},
                   {"subject", subject},
                   {"lines", lines},
                   {"lines_sha256", lines_sha256},
                   {"total", total},
                   {"next", next},
                   {"offset", offset},
                   {"from", address_json(sender)},
                   {"reply_to", std::move(reply)},
                   {"list_id", list_id},
                   {"unsubscribe_mailto", unsubscribe_mailto},
                   {"automatic", automatic},
                   {"attachments", std::move(files)}};
}

BroadcastJob BroadcastJob::from(const aoh::Json& j, std::uint64_t version) {
  BroadcastJob job;
  job.id = j["id"].str();
  job.credential_id = j["credential_id"].str();
  job.session_id = j["session_id"].str();
  job.request_sha256 = j["request_sha256"].str();
  for (const auto& [s, text] : kStates)
    if (text == j["broadcast_state"].str()) job.state = s;
  // Somebody took it back with the host's own verb.
  if (j["state"].str() == "cancelled") job.state = State::cancelled;
  job.version = version;
  job.created_unix_ns = j["created_unix_ns"].integer();
  job.send_at_unix_ns = j["send_at_unix_ns"].integer();
  job.subject = j["subject"].str();
  job.lines = j["lines"].str();
  job.lines_sha256 = j["lines_sha256"].str();
  job.total = static_cast<std::uint64_t>(j["total"].integer());
  job.next = static_cast<std::uint64_t>(j["next"].integer());
  job.offset = static_cast<std::uint64_t>(j["offset"].integer());
  job.sender = address_from(j["from"]);
  for (const aoh::Json& a : j["reply_to"].items()) job.reply_to.push_back(address_from(a));
  job.list_id = j["list_id"].str();
  job.unsubscribe_mailto = j["unsubscribe_mailto"].str();
  job.automatic = j["automatic"].boolean();
  job.attachments = j["attachments"].items();
  return job;
}

std::string BroadcastJob::message_id_of(std::uint64_t n) const {
  return outbox::Store::id_of(credential_id, "broadcast:" + id, std::to_string(n));
}

mime::Draft draft_of(const BroadcastJob& job, const BroadcastLine& line,
                     const std::vector<mime::DraftAttachment>& attachments) {
  mime::Draft d;
  d.from = {job.sender};
  d.reply_to = job.reply_to;
  d.to = {line.to};
  d.subject = line.subject;
  if (!line.text.empty()) d.text = line.text;
  if (!line.html.empty()) d.html = line.html;
  d.attachments = attachments;
  d.auto_submitted = job.automatic ? "auto-generated" : "";
  std::string unsubscribe;
  if (!line.unsubscribe_url.empty()) unsubscribe = "<" + line.unsubscribe_url + ">";
  if (!job.unsubscribe_mailto.empty())
    unsubscribe += (unsubscribe.empty() ? "<mailto:" : ", <mailto:") + job.unsubscribe_mailto + ">";
  if (!unsubscribe.empty()) d.extra_headers.emplace_back("List-Unsubscribe", unsubscribe);
  // RFC 8058 §3.1: only beside an HTTPS address.
  if (!line.unsubscribe_url.empty())
    d.extra_headers.emplace_back("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
  if (!job.list_id.empty()) d.extra_headers.emplace_back("List-Id", "<" + job.list_id + ">");
  d.extra_headers.emplace_back("Precedence", "bulk");
  return d;
}

}  // namespace mailroom::tools
