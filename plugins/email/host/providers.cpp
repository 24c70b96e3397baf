#include "host/providers.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace mailroom::host {
namespace {

std::string lower(std::string_view s) {
  if (s.ends_with('.')) s.remove_suffix(1);
  std::string out(s);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

/// The longest of `suffixes` that `host` is, or lies below; 0: none.
std::size_t match(const std::vector<std::string>& suffixes, const std::string& host) {
  std::size_t longest = 0;
  for (const std::string& h : suffixes)
    if (host == h || (host.size() > h.size() && host.ends_with(h) && host[host.size() - h.size() - 1] == '.'))
      longest = std::max(longest, h.size());
  return longest;
}

const Preset* best(const std::vector<Preset>& known, std::vector<std::string> Preset::*suffixes,
                   std::string_view name) {
  const std::string host = lower(name);
  const Preset* found = nullptr;
  std::size_t longest = 0;
  for (const Preset& p : known)
    if (const std::size_t m = match(p.*suffixes, host); m > longest) {
      found = &p;
      longest = m;
    }
  return found;
}

const Preset* of_host(const std::vector<Preset>& known, const std::optional<net::Endpoint>& endpoint) {
  return endpoint ? preset_for_host(endpoint->host, known) : nullptr;
}

/// The one that the record names; null: it names none.
const Preset* of_name(const Account& account, const std::vector<Preset>& known) {
  if (account.provider.empty()) return nullptr;
  const Preset* p = preset_named(account.provider, known);
  if (p) return p;
  std::string all;
  for (const Preset& k : known) all += (all.empty() ? "Use one of " : ", ") + k.name;
  throw Failure(Errc::config, "there is no such provider: \"" + printable(account.provider, 60) + "\"",
                "credential " + account.id + ": provider", all);
}

const Preset* of_imap(const Account& account, const std::vector<Preset>& known) {
  const Preset* p = of_name(account, known);
  return p ? p : of_host(known, account.imap);
}

template <typename T>
void replace(std::optional<T>& mine, const std::optional<T>& theirs) {
  if (theirs) mine = theirs;
}

}  // namespace

const Preset* preset_named(std::string_view name, const std::vector<Preset>& known) {
  const auto p = std::find_if(known.begin(), known.end(), [&](const Preset& k) { return k.name == name; });
  return p == known.end() ? nullptr : &*p;
}

const Preset* preset_for_address(std::string_view address, const std::vector<Preset>& known) {
  const std::string domain = lower(address.substr(address.rfind('@') + 1));  // without '@': all of it
  for (const Preset& p : known)
    if (std::find(p.domains.begin(), p.domains.end(), domain) != p.domains.end()) return &p;
  return nullptr;
}

const Preset* preset_for_mx(std::string_view host, const std::vector<Preset>& known) {
  return best(known, &Preset::mx, host);
}

const Preset* preset_for_host(std::string_view host, const std::vector<Preset>& known) {
  return best(known, &Preset::hosts, host);
}

const Preset* preset_of(const Account& account, const std::vector<Preset>& known) {
  if (const Preset* p = of_name(account, known)) return p;
  if (const Preset* p = of_host(known, account.smtp)) return p;
  return of_host(known, account.imap);
}

Provider provider_for(const Account& account, const std::vector<Preset>& known) {
  Provider out;
  if (const Preset* p = preset_of(account, known)) {
    out.name = p->name;
    out.limits = p->limits;
    out.oauth = p->oauth;
    if (p->sent_copy) out.sent_copy = *p->sent_copy;
  }
  if (account.sent_copy) out.sent_copy = *account.sent_copy;
  SendLimits& mine = out.limits;
  const SendLimits& own = account.limits;
  replace(mine.smtp_connections, own.smtp_connections);
  replace(mine.messages_per_minute, own.messages_per_minute);
  replace(mine.messages_per_day, own.messages_per_day);
  replace(mine.recipients_per_day, own.recipients_per_day);
  replace(mine.recipients_per_message, own.recipients_per_message);
  replace(mine.recipient_domain_per_minute, own.recipient_domain_per_minute);
  replace(mine.max_message_bytes, own.max_message_bytes);
  return out;
}

std::vector<std::string> imap_quirks(const Account& account, const std::vector<Preset>& known) {
  if (account.quirks) return *account.quirks;
  const Preset* p = of_imap(account, known);
  return p ? p->quirks : std::vector<std::string>();
}

WatchTimes watch_times(const Account& account, WatchTimes usual, const std::vector<Preset>& known) {
  if (const Preset* p = of_imap(account, known)) {
    if (p->idle_renew) usual.idle_renew = std::min(usual.idle_renew, *p->idle_renew);
    if (p->poll_interval) usual.poll_interval = std::min(usual.poll_interval, *p->poll_interval);
  }
  usual.idle_renew = account.idle_renew.value_or(usual.idle_renew);
  usual.poll_interval = account.poll_interval.value_or(usual.poll_interval);
  return usual;
}

}  // namespace mailroom::host
