#include "discover/srv.hpp"

namespace mailroom::discover {
namespace {

std::optional<net::Endpoint> server(const DnsLookup& ask, const std::string& domain, const char* service,
                                    net::TlsMode tls) {
  const DnsAnswer answer = ask(DnsType::srv, std::string(service) + "._tcp." + domain);
  if (!answer.found()) return std::nullopt;
  const DnsRecord* best = nullptr;
  for (const DnsRecord& r : answer.records) {
    if (r.text.empty() || r.port == 0 || !is_host(r.text)) continue;
    if (!best || r.priority < best->priority || (r.priority == best->priority && r.weight > best->weight))
      best = &r;
  }
  if (!best) return std::nullopt;
  net::Endpoint e;
  e.host = best->text;
  e.port = best->port;
  e.tls = tls;
  return e;
}

}  // namespace

Found from_srv(const DnsLookup& ask, const std::string& domain) {
  Found f;
  f.how = "SRV records of " + domain;
  f.imap = server(ask, domain, "_imaps", net::TlsMode::implicit);
  if (!f.imap) f.imap = server(ask, domain, "_imap", net::TlsMode::starttls);
  f.smtp = server(ask, domain, "_submissions", net::TlsMode::implicit);
  if (!f.smtp) f.smtp = server(ask, domain, "_submission", net::TlsMode::starttls);
  for (const auto& e : {f.imap, f.smtp}) f.doubtful = f.doubtful || (e && !is_below(e->host, domain));
  return f;
}

}  // namespace mailroom::discover
