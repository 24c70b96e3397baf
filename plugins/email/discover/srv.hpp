// Servers by SRV records (RFC 6186, RFC 8314 §5.1). Pure.
#pragma once
#include <string>

#include "base/dns.hpp"
#include "discover/found.hpp"

namespace mailroom::discover {

/// Asks at most four questions. Implicit TLS goes before STARTTLS whatever the priorities say (RFC 8314 §3);
/// of several targets the first priority's heaviest is taken; "." means that the service is not offered.
/// `domain` in A-labels.
Found from_srv(const DnsLookup& ask, const std::string& domain);

}  // namespace mailroom::discover
