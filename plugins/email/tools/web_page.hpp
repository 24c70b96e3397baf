// One document by HTTPS.
#pragma once
#include <string>

#include "base/dns.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// GET of an https URL on port 443: names by `lookup`, TLS verified (by `ca_file` where it is not empty), at
/// most two redirections, to https only; no cookies, no credentials. Blocks, some 10 s at most. Throws
/// Failure: not_found (no address, or an answer other than 200), protocol, limit (more than `max_bytes`),
/// and those of a connection.
std::string read_web_page(const Toolbox& box, aoh::Call& call, const DnsLookup& lookup, std::string url,
                          const std::string& ca_file, std::size_t max_bytes);

}  // namespace mailroom::tools
