#include "outbox/pacer.hpp"

#include <algorithm>
#include <set>

namespace mailroom::outbox {
namespace {

constexpr std::uint32_t kOwnServer = 1200;  // messages a minute

std::string key_of(const std::string& credential) { return "cadence/" + credential; }

std::set<std::string> domains_of(const std::vector<std::string>& recipients) {
  std::set<std::string> out;
  for (const std::string& r : recipients) out.insert(domain_of(r));
  return out;
}

// What the account's record or its provider's preset says; without either the pace of a server of one's own.
// A sixth of a minute's messages may go at once after a rest.
policy::Pace a_minute(std::uint32_t messages) {
  return {static_cast<std::int64_t>(messages), 60, std::max<std::int64_t>(1, messages / 6)};
}

policy::CadenceLimits cadence_of(const host::Account& account) {
  const host::SendLimits& l = account.limits;
  policy::CadenceLimits out;
  out.credential = a_minute(l.messages_per_minute.value_or(kOwnServer));
  out.domain = a_minute(l.recipient_domain_per_minute.value_or(
      std::max<std::uint32_t>(1, l.messages_per_minute.value_or(kOwnServer) / 2)));
  out.per_day = l.messages_per_day.value_or(0);
  out.recipients_per_day = l.recipients_per_day.value_or(0);
  out.warm_up = account.warm_up;
  out.warm_up_from_s = account.warm_up_from_s;
  return out;
}

}  // namespace

std::string domain_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  std::string out(at == address.npos ? std::string_view() : address.substr(at + 1));
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

policy::Cadence& Pacer::of(const host::Account& account) {
  policy::CadenceLimits wanted = cadence_of(account);
  std::string limits = std::to_string(wanted.per_day) + ' ' + std::to_string(wanted.recipients_per_day);
  for (const policy::Pace& p : {wanted.credential, wanted.domain})
    limits += ' ' + std::to_string(p.messages) + '/' + std::to_string(p.seconds);
  limits += " from " + std::to_string(wanted.warm_up_from_s);
  for (const std::int64_t n : wanted.warm_up) limits += ' ' + std::to_string(n);
  auto it = known_.find(account.id);
  if (it != known_.end() && it->second.limits == limits) return it->second.cadence;
  Known fresh{limits, policy::Cadence(std::move(wanted))};
  if (it != known_.end())
    fresh.cadence.restore(it->second.cadence.state(now_ms()));
  else if (const auto stored = services_.state.get(key_of(account.id)))
    fresh.cadence.restore(aoh::Json::parse(stored->text));
  return known_.insert_or_assign(account.id, std::move(fresh)).first->second.cadence;
}

Pacer::Answer Pacer::take(const host::Account& account, const std::vector<std::string>& recipients) {
  const std::lock_guard lock(mutex_);
  policy::Cadence& cadence = of(account);
  const std::set<std::string> domains = domains_of(recipients);
  const policy::Load load{{domains.begin(), domains.end()}, static_cast<std::int64_t>(recipients.size())};
  const std::int64_t now = now_ms();
  const policy::Cadence::Wait wait = cadence.earliest(load, now);
  if (wait.until_ms > now) return {wait.until_ms - now, wait.why};
  cadence.sent(load, now);
  return {};
}

void Pacer::slow_down(const host::Account& account, std::string_view domain) {
  const std::lock_guard lock(mutex_);
  of(account).slow_down(domain, now_ms());
}

void Pacer::went_well(const host::Account& account, const std::vector<std::string>& recipients) {
  const std::lock_guard lock(mutex_);
  for (const std::string& domain : domains_of(recipients)) of(account).went_well(domain);
}

aoh::State::Put Pacer::state(const host::Account& account) {
  const std::lock_guard lock(mutex_);
  return {key_of(account.id), of(account).state(now_ms()).dump()};
}

}  // namespace mailroom::outbox
