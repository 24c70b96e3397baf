// DNS over c-ares: TXT, MX, A, AAAA, PTR, SRV, asked one after the other and waited for.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/dns.hpp"

namespace mailroom::net {

struct DnsOptions {
  /// "192.0.2.53", "127.0.0.1:5353", "[2001:db8::1]:53"; empty: those of the system. At most 8.
  std::vector<std::string> servers;
  std::chrono::milliseconds timeout{1500};  ///< of the first try; the second waits twice as long
  int tries = 2;                            ///< of each server
  std::chrono::milliseconds all{20'000};    ///< all questions of one resolver together
  std::size_t questions = 200;              ///< of one resolver
};

/// Throws Failure(config) for a list of servers that cannot be read, naming the entry.
void check_dns_servers(const std::vector<std::string>& servers);

/// One report's worth of questions, answered from memory when they come again. Belongs to one thread at a
/// time, which it blocks; cancel() may come from any. Never a name of the search list, never /etc/hosts. An
/// answer that was cut (TC) is asked for over TCP. An answer has at most 64 records and 8 aliases, 64 KB by
/// the protocol. Once a server list has let two questions in a row (or the very first) run into their
/// time-outs, further ones are answered `temporary` at once: a dead resolver costs seconds, not minutes.
/// Its time is the machine's: a person waits for it.
class DnsResolver {
 public:
  /// Throws Failure: config (servers), internal (c-ares cannot start).
  explicit DnsResolver(DnsOptions options);
  ~DnsResolver();
  DnsResolver(const DnsResolver&) = delete;
  DnsResolver& operator=(const DnsResolver&) = delete;

  /// Never throws for what the DNS says; that is the answer's kind. Throws Failure(cancelled) after cancel().
  DnsAnswer ask(DnsType type, std::string_view dns_name);
  /// Ends a question under way, and all later ones.
  void cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A message of the DNS as c-ares hands it over, read for `type`: records and aliases (internal, for tests).
DnsAnswer read_dns_answer(DnsType type, std::string_view message);

}  // namespace mailroom::net
