// What the DNS answers, as values: so that what is made of it (SPF, DKIM, DMARC) needs no network. Pure.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom {

enum class DnsType { a, aaaa, mx, txt, ptr, srv, cname };
/// "A", "AAAA", "MX" ...
std::string_view name(DnsType type);

/// One record. Everything in it is a stranger's word.
struct DnsRecord {
  /// txt: its strings joined (RFC 7208 §3.3), any bytes; a, aaaa: the address; mx, srv, ptr, cname: the host
  /// name without the last dot, lower case; "" is the root (a null MX, RFC 7505).
  std::string text;
  std::uint16_t priority = 0;            ///< mx, srv
  std::uint16_t weight = 0, port = 0;    ///< srv
  std::vector<std::uint16_t> strings{};  ///< txt: the length of each string, in bytes
};

/// The four outcomes that a mail server tells apart (RFC 7208 §2.6, §4.6.4).
struct DnsAnswer {
  enum class Kind {
    found,
    no_such_name,  ///< NXDOMAIN: nothing of any type is there; also for a name that cannot be one
    no_data,       ///< the name is there, a record of this type is not
    temporary,     ///< SERVFAIL, REFUSED, no answer in time: nobody can tell now
  };
  Kind kind = Kind::temporary;
  std::vector<DnsRecord> records{};    ///< in the server's order; of mx and srv, by priority
  std::vector<std::string> aliases{};  ///< CNAMEs followed on the way, in order
  std::string why{};                   ///< temporary: what happened, in our words

  bool found() const { return kind == Kind::found; }
  bool absent() const { return kind == Kind::no_such_name || kind == Kind::no_data; }
};

/// One question. `dns_name` is any text: what cannot be a name does not exist.
using DnsLookup = std::function<DnsAnswer(DnsType type, std::string_view dns_name)>;

/// Whether `text` can be asked for: labels of 1 to 63 bytes, 253 in all, one trailing dot allowed, printable
/// ASCII but no backslash, which name libraries take for an escape.
bool is_dns_name(std::string_view text);

}  // namespace mailroom
