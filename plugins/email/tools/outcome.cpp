#include "tools/outcome.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace mailroom::tools {
namespace {

using outbox::State;

constexpr const char* kUncertainCure =
    "Do not send it again. A person looks whether it arrived, then settles it: host-stub outbox resolve";

void warnings_json(const outbox::Record& r, aoh::Json& j) {
  if (r.warnings.empty()) return;
  aoh::Json list = aoh::Json::array();
  for (const std::string& w : r.warnings) list.push(w);
  j.set("warnings", std::move(list));
}

aoh::Json outcome_json(const outbox::Record& r, bool repeated) {
  aoh::Json j{{"state", std::string(name(r.state))},
              {"outbox_id", r.id},
              {"message_id", r.message_id},
              {"size", r.size},
              {"from", r.from},
              {"subject", r.subject}};
  j.set_if(repeated, "repeated", true);
  j.set_if(!r.sha256.empty(), "sha256", r.sha256);
  if (r.state == State::queued)
    j.set("next_attempt", utc_text(r.next_attempt_unix_ns)).set("why_queued", r.why_queued);
  warnings_json(r, j);
  if (r.sent_copy != outbox::SentCopy::none) j.set("sent_copy", r.to_json()["sent_copy"]);
  aoh::Json recipients = r.recipients;
  if (!recipients.is_array()) {
    recipients = aoh::Json::array();
    for (const std::string& a : r.to)
      recipients.push(aoh::Json{{"address", a}, {"accepted", r.state == State::sent}});
  } else if (!r.resolved_by.empty()) {
    // A person's word counts for those of whom nobody knew; the others have their answers.
    recipients = aoh::Json::array();
    for (aoh::Json row : r.recipients.items()) {
      if (row["state"].str() == "uncertain") row.set("accepted", r.state == State::sent);
      recipients.push(std::move(row));
    }
  }
  j.set("recipients", std::move(recipients));
  return j;
}

aoh::Result queued_result(const outbox::Record& r, aoh::Json j, bool resident) {
  std::string text =
      "Not sent yet: it lies in the outbox and goes by itself at " + utc_text(r.next_attempt_unix_ns);
  if (r.why_queued == "send_at")
    text += ", the time that was asked for";
  else if (r.why_queued == "temporary")
    text += "; the last attempt ended with: " + r.error["what"].str_or("a temporary refusal");
  else
    text += " (" + r.why_queued + ")";
  if (!resident) text += ". Nothing goes by itself while no host stays up: host-stub run";
  text += ". Do not send it again. Message-ID <" + r.message_id + ">, outbox record " + r.id + ".";
  return aoh::Result::ok(std::move(j), std::move(text));
}

}  // namespace

aoh::Result uncertain_result(const outbox::Record& r, bool repeated) {
  Error e{Errc::state,
          "it is not known whether the message was sent: the connection or the program broke at its end",
          "outbox/" + r.id, r.error["server_said"].str(), kUncertainCure};
  aoh::Json extra = outcome_json(r, repeated);
  return error_result(e, extra);
}

aoh::Result outcome_result(const outbox::Record& r, bool repeated, bool resident) {
  if (r.state == State::uncertain) return uncertain_result(r, repeated);
  aoh::Json j = outcome_json(r, repeated);
  if (r.state == State::queued) return queued_result(r, std::move(j), resident);
  if (r.state != State::sent) {
    Error e{Errc::refused, r.error["what"].str_or("the server refused the message"), r.error["where"].str(),
            r.error["server_said"].str(), r.error["cure"].str()};
    if (r.state == State::failed && (r.error.is_null() || r.error["temporary"].boolean()))
      e.code = Errc::temporary;
    if (r.state == State::cancelled)
      e = {Errc::state, "the message was taken back before it went", "outbox/" + r.id, {}, {}};
    aoh::Result result = error_result(e, j);
    if (!r.error.is_null()) result.body.slot("structuredContent").set("error", r.error);
    return result;
  }
  std::size_t accepted = 0;
  std::string refused;
  for (const aoh::Json& a : j["recipients"].items()) {
    if (a["accepted"].boolean())
      ++accepted;
    else
      refused += "\nNot to " + a["address"].str() + "; " +
                 (a.has("why") ? a["why"].str() : "the server said: \"" + a["server_said"].str() + "\"");
  }
  std::string text = std::string(repeated ? "Sent before, with this key: to " : "Sent to ") +
                     std::to_string(accepted) + " of " + std::to_string(j["recipients"].size()) +
                     " recipients. Message-ID <" + r.message_id + ">, " + std::to_string(r.size) + " bytes." +
                     refused;
  return aoh::Result::ok(std::move(j), std::move(text));
}

std::string utc_text(std::int64_t unix_ns) {
  const std::time_t t = static_cast<std::time_t>(unix_ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&t, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::int64_t time_of(const aoh::Json& args, const char* field) {
  const std::string& text = args[field].str();
  if (text.empty()) return 0;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, used = 0;
  const auto wrong = [&] {
    throw Failure(Errc::invalid, "this is not a time with an offset: \"" + printable(text, 64) + "\"", field,
                  "Write it as 2026-11-26T09:00:00+01:00 or with Z");
  };
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &used) != 6 ||
      used != 19)
    wrong();
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') do
      ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9');
  const std::string zone = text.substr(at);
  int zh = 0, zm = 0;
  if (zone != "Z" && zone != "z") {
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') ||
        std::sscanf(zone.c_str() + 1, "%2d:%2d%n", &zh, &zm, &used) != 2 || used != 5)
      wrong();
  }
  std::tm parts{};
  parts.tm_year = y - 1900;
  parts.tm_mon = mo - 1;
  parts.tm_mday = d;
  parts.tm_hour = h;
  parts.tm_min = mi;
  parts.tm_sec = s;
  std::tm checked = parts;
  const std::time_t t = timegm(&checked);
  if (checked.tm_mday != d || checked.tm_mon != mo - 1 || checked.tm_hour != h || checked.tm_min != mi ||
      zh > 23 || zm > 59)
    wrong();
  const std::int64_t offset = (zh * 3600 + zm * 60) * (zone[0] == '-' ? -1 : 1);
  return (static_cast<std::int64_t>(t) - offset) * 1'000'000'000;
}

}  // namespace mailroom::tools
