// Messages of the DNS. Input: a byte that chooses the type, then the message.
#include "fuzz.hpp"
#include "net/dns.hpp"

namespace mailroom::fuzz {

FUZZ_TARGET(dns_message) {
  constexpr DnsType types[] = {DnsType::a,   DnsType::aaaa, DnsType::mx,
                               DnsType::txt, DnsType::ptr,  DnsType::srv};
  Input in(data);
  const DnsType type = types[in.byte() % std::size(types)];
  const DnsAnswer a = net::read_dns_answer(type, in.rest());
  must(a.records.size() <= 64 && a.aliases.size() <= 8, "records are counted");
  must(!a.found() || !a.records.empty(), "what is found is there");
  for (const DnsRecord& r : a.records) must(r.text.size() <= 65'535, "a record fits into a message");
}

}  // namespace mailroom::fuzz
