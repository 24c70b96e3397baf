#include "outbox/record.hpp"

#include <algorithm>
#include <array>

namespace mailroom::outbox {
namespace {

constexpr std::array<std::pair<State, std::string_view>, 9> kStates{{{State::preview, "preview"},
                                                                     {State::prepared, "prepared"},
                                                                     {State::queued, "queued"},
                                                                     {State::committing, "committing"},
                                                                     {State::sent, "sent"},
                                                                     {State::refused, "refused"},
                                                                     {State::failed, "failed"},
                                                                     {State::uncertain, "uncertain"},
                                                                     {State::cancelled, "cancelled"}}};
constexpr std::array<std::pair<SentCopy, std::string_view>, 4> kCopies{{{SentCopy::none, "none"},
                                                                        {SentCopy::pending, "pending"},
                                                                        {SentCopy::done, "done"},
                                                                        {SentCopy::failed, "failed"}}};

aoh::Json strings(const std::vector<std::string>& list) {
  aoh::Json out = aoh::Json::array();
  for (const std::string& s : list) out.push(s);
  return out;
}

std::vector<std::string> strings(const aoh::Json& list) {
  std::vector<std::string> out;
  for (const aoh::Json& s : list.items()) out.push_back(s.str());
  return out;
}

template <class Table>
std::string_view name_in(const Table& table, typename Table::value_type::first_type value) {
  for (const auto& [v, text] : table)
    if (v == value) return text;
  return "";
}

// What one recipient's answer means, given what became of the whole message.
std::string_view fate(const smtp::RecipientOutcome& r, smtp::Outcome::State all) {
  using Rcpt = smtp::RecipientOutcome::State;
  if (r.state == Rcpt::refused) return "refused";
  switch (all) {
    case smtp::Outcome::State::delivered:
      return r.state == Rcpt::accepted ? "accepted" : "temporary";
    case smtp::Outcome::State::refused:
      return "refused";
    case smtp::Outcome::State::uncertain:
      return r.state == Rcpt::accepted ? "uncertain" : "temporary";
    case smtp::Outcome::State::temporary:
      break;
  }
  return "temporary";
}

}  // namespace

std::string_view name(State state) { return name_in(kStates, state); }

aoh::Json Record::to_json() const {
  std::string summary = "to " + (to.empty() ? std::string("nobody") : to.front());
  if (to.size() > 1) summary += " and " + std::to_string(to.size() - 1) + " more";
  summary +=
      ": " + (subject.empty() ? std::string("(no subject)") : std::string(aoh::utf8_prefix(subject, 200)));
  aoh::Json j{{"id", id},
              {"state", std::string(name(state))},
              {"kind", "email"},
              {"summary", summary},
              {"created_unix_ns", created_unix_ns},
              {"updated_unix_ns", updated_unix_ns},
              {"credential_id", credential_id},
              {"request_sha256", request_sha256},
              {"from", from},
              {"to", strings(to)},
              {"subject", subject},
              {"message_id", message_id},
              {"smtputf8", smtputf8},
              {"size", size},
              {"attempts", attempts}};
  j.set_if(require_tls, "require_tls", true);
  j.set_if(delivery_report, "delivery_report", true);
  j.set_if(!blob.empty(), "blob", blob);
  j.set_if(!sha256.empty(), "sha256", sha256);
  j.set_if(!session_id.empty(), "session_id", session_id);
  j.set_if(!call_id.empty(), "call_id", call_id);
  j.set_if(!broadcast.empty(), "broadcast", broadcast);
  j.set_if(send_at_unix_ns != 0, "send_at_unix_ns", send_at_unix_ns);
  j.set_if(state == State::queued, "next_attempt_unix_ns", next_attempt_unix_ns);
  j.set_if(!why_queued.empty(), "why_queued", why_queued);
  j.set_if(sent_copy != SentCopy::none, "sent_copy", name_in(kCopies, sent_copy));
  j.set_if(copy_attempts != 0, "copy_attempts", copy_attempts);
  j.set_if(!warnings.empty(), "warnings", strings(warnings));
  j.set_if(!links.empty(), "links", strings(links));
  j.set_if(!then.is_null(), "then", then);
  j.set_if(!recipients.is_null(), "recipients", recipients);
  j.set_if(!error.is_null(), "error", error);
  j.set_if(!resolved_by.empty(), "resolved_by", resolved_by);
  return j;
}

std::optional<Record> Record::from_json(const aoh::Json& j) {
  Record r;
  const auto state = std::find_if(kStates.begin(), kStates.end(),
                                  [&](const auto& row) { return row.second == j["state"].str(); });
  if (state == kStates.end() || j["id"].str().empty()) return std::nullopt;
  r.state = state->first;
  r.id = j["id"].str();
  r.created_unix_ns = j["created_unix_ns"].integer();
  r.updated_unix_ns = j["updated_unix_ns"].integer();
  r.credential_id = j["credential_id"].str();
  r.request_sha256 = j["request_sha256"].str();
  r.session_id = j["session_id"].str();
  r.call_id = j["call_id"].str();
  r.broadcast = j["broadcast"].str();
  r.from = j["from"].str();
  r.subject = j["subject"].str();
  r.message_id = j["message_id"].str();
  r.to = strings(j["to"]);
  r.smtputf8 = j["smtputf8"].boolean();
  r.require_tls = j["require_tls"].boolean();
  r.delivery_report = j["delivery_report"].boolean();
  r.blob = j["blob"].str();
  r.size = static_cast<std::uint64_t>(j["size"].integer());
  r.sha256 = j["sha256"].str();
  r.attempts = static_cast<std::uint32_t>(j["attempts"].integer());
  r.send_at_unix_ns = j["send_at_unix_ns"].integer();
  r.next_attempt_unix_ns = j["next_attempt_unix_ns"].integer();
  r.why_queued = j["why_queued"].str();
  for (const auto& [copy, text] : kCopies)
    if (text == j["sent_copy"].str()) r.sent_copy = copy;
  r.copy_attempts = static_cast<std::uint32_t>(j["copy_attempts"].integer());
  r.warnings = strings(j["warnings"]);
  r.links = strings(j["links"]);
  r.then = j["then"];
  r.recipients = j["recipients"];
  r.error = j["error"];
  r.resolved_by = j["resolved_by"].str();
  return r;
}

void Record::list_recipients() {
  if (recipients.is_array()) return;
  recipients = aoh::Json::array();
  for (const std::string& a : to)
    recipients.push(aoh::Json{{"address", a}, {"state", "open"}, {"accepted", false}});
}

void Record::take(const smtp::Outcome& outcome) {
  list_recipients();
  aoh::Json merged = aoh::Json::array();
  for (const aoh::Json& before : recipients.items()) {
    const auto now = std::find_if(outcome.recipients.begin(), outcome.recipients.end(),
                                  [&](const auto& r) { return r.address == before["address"].str(); });
    if (now == outcome.recipients.end()) {
      merged.push(before);
      continue;
    }
    const std::string_view state_now = fate(*now, outcome.state);
    aoh::Json j{{"address", now->address}, {"state", state_now}, {"accepted", state_now == "accepted"}};
    j.set_if(now->code != 0, "code", now->code);
    j.set_if(!now->enhanced.empty(), "enhanced", now->enhanced);
    j.set_if(!now->server.empty(), "server_said", printable(now->server));
    merged.push(std::move(j));
  }
  recipients = std::move(merged);
  // Also without a recipient's answer that says so: the end of the message was written, and no answer came.
  settle(outcome.state == smtp::Outcome::State::uncertain);
}

void Record::refuse(std::string_view address, const Error& why) {
  list_recipients();
  aoh::Json all = aoh::Json::array();
  for (const aoh::Json& r : recipients.items())
    all.push(r["address"].str() != address
                 ? r
                 : aoh::Json{
                       {"address", address}, {"state", "refused"}, {"accepted", false}, {"why", why.line()}});
  recipients = std::move(all);
  if (open_recipients().empty()) settle(false);
}

void Record::settle(bool uncertain) {
  bool accepted = false, refused = false, open = false;
  for (const aoh::Json& r : recipients.items()) {
    const std::string& s = r["state"].str();
    accepted |= s == "accepted";
    refused |= s == "refused";
    uncertain |= s == "uncertain";
    open |= s == "open" || s == "temporary";
  }
  state = uncertain  ? State::uncertain
          : open     ? State::failed
          : accepted ? State::sent
          : refused  ? State::refused
                     : State::failed;
}

void Record::keep_reports(const Record& other) {
  aoh::Json all = aoh::Json::array();
  for (aoh::Json mine : recipients.items()) {
    for (const aoh::Json& theirs : other.recipients.items())
      for (const char* report : {"bounced", "delayed"})
        if (theirs["address"] == mine["address"] && theirs.has(report)) mine.set(report, theirs[report]);
    all.push(std::move(mine));
  }
  if (recipients.is_array()) recipients = std::move(all);
}

std::vector<std::string> Record::open_recipients() const {
  if (!recipients.is_array()) return to;
  std::vector<std::string> out;
  for (const aoh::Json& r : recipients.items())
    if (r["state"].str() != "accepted" && r["state"].str() != "refused") out.push_back(r["address"].str());
  return out;
}

bool Record::over() const {
  return state == State::sent || state == State::refused || state == State::cancelled;
}

Step next_step(const Record& record) {
  switch (record.state) {
    case State::preview:
    case State::prepared:
    case State::failed:
      return Step::send;
    case State::committing:
      return Step::call_uncertain;
    case State::queued:  // the outbox sends it
    case State::sent:
    case State::refused:
    case State::uncertain:
    case State::cancelled:
      return Step::answer;
  }
  return Step::answer;
}

}  // namespace mailroom::outbox
