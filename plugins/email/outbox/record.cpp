#include "tools/outbox_record.hpp"

#include <array>

namespace mailroom::tools {
namespace {

constexpr std::array kStates{OutboxState::prepared, OutboxState::committing, OutboxState::sent,
                             OutboxState::refused,  OutboxState::failed,     OutboxState::uncertain};

aoh::Json strings(const std::vector<std::string>& list) {
  aoh::Json out = aoh::Json::array();
  for (const std::string& s : list) out.push(s);
  return out;
}

}  // namespace

std::string_view name(OutboxState state) {
  switch (state) {
    case OutboxState::prepared:
      return "prepared";
    case OutboxState::committing:
      return "committing";
    case OutboxState::sent:
      return "sent";
    case OutboxState::refused:
      return "refused";
    case OutboxState::failed:
      return "failed";
    case OutboxState::uncertain:
      return "uncertain";
  }
  return "uncertain";
}

aoh::Json OutboxRecord::to_json() const {
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
  j.set_if(!blob.empty(), "blob", blob);
  j.set_if(!session_id.empty(), "session_id", session_id);
  j.set_if(!call_id.empty(), "call_id", call_id);
  j.set_if(!recipients.is_null(), "recipients", recipients);
  j.set_if(!error.is_null(), "error", error);
  j.set_if(!resolved_by.empty(), "resolved_by", resolved_by);
  return j;
}

std::optional<OutboxRecord> OutboxRecord::from_json(const aoh::Json& j) {
  OutboxRecord r;
  bool known = false;
  for (const OutboxState s : kStates)
    if (name(s) == j["state"].str()) {
      r.state = s;
      known = true;
    }
  if (!known || j["id"].str().empty()) return std::nullopt;
  r.id = j["id"].str();
  r.created_unix_ns = j["created_unix_ns"].integer();
  r.updated_unix_ns = j["updated_unix_ns"].integer();
  r.credential_id = j["credential_id"].str();
  r.request_sha256 = j["request_sha256"].str();
  r.session_id = j["session_id"].str();
  r.call_id = j["call_id"].str();
  r.from = j["from"].str();
  r.subject = j["subject"].str();
  r.message_id = j["message_id"].str();
  for (const aoh::Json& a : j["to"].items()) r.to.push_back(a.str());
  r.smtputf8 = j["smtputf8"].boolean();
  r.blob = j["blob"].str();
  r.size = static_cast<std::uint64_t>(j["size"].integer());
  r.attempts = static_cast<std::uint32_t>(j["attempts"].integer());
  r.recipients = j["recipients"];
  r.error = j["error"];
  r.resolved_by = j["resolved_by"].str();
  return r;
}

void OutboxRecord::take(const smtp::Outcome& outcome) {
  const bool delivered = outcome.state == smtp::Outcome::State::delivered;
  recipients = aoh::Json::array();
  for (const smtp::RecipientOutcome& r : outcome.recipients) {
    aoh::Json j{{"address", r.address},
                {"accepted", delivered && r.state == smtp::RecipientOutcome::State::accepted}};
    j.set_if(r.code != 0, "code", r.code);
    j.set_if(!r.enhanced.empty(), "enhanced", r.enhanced);
    j.set_if(!r.server.empty(), "server_said", printable(r.server));
    recipients.push(std::move(j));
  }
  switch (outcome.state) {
    case smtp::Outcome::State::delivered:
      state = OutboxState::sent;
      break;
    case smtp::Outcome::State::refused:
      state = OutboxState::refused;
      break;
    case smtp::Outcome::State::temporary:
      state = OutboxState::failed;
      break;
    case smtp::Outcome::State::uncertain:
      state = OutboxState::uncertain;
      break;
  }
}

OutboxStep next_step(const OutboxRecord& record) {
  switch (record.state) {
    case OutboxState::prepared:
    case OutboxState::failed:
      return OutboxStep::send;
    case OutboxState::committing:
      return OutboxStep::call_uncertain;
    case OutboxState::sent:
    case OutboxState::refused:
    case OutboxState::uncertain:
      return OutboxStep::answer;
  }
  return OutboxStep::answer;
}

}  // namespace mailroom::tools
