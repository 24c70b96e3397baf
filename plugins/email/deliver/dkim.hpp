// DKIM signatures (RFC 6376, RFC 8301, RFC 8463) over the final bytes of a message.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/dkim_canon.hpp"
#include "deliver/dkim_key.hpp"

namespace mailroom::deliver {

struct DkimOptions {
  std::string domain;    ///< d=: A-labels; the From address must be in it for DMARC to count it
  std::string selector;  ///< s=
  Canon header = Canon::relaxed, body = Canon::relaxed;
  /// Seconds until the signature is no longer valid; 0: no x= (receivers may see a message weeks later).
  std::int64_t expires_after_s = 0;
};

/// The DKIM-Signature field to be put in front of `message` (whole, CRLF line ends), folded at 78, CRLF at
/// its end. From and the other fields of RFC 6376 §5.4.1 that are there are signed; From, Subject, Date, To
/// and Cc are named once more than they are there, so that none can be added (§8.15). Same message, key and
/// time: same field. `now_s`: Unix time. Throws Failure: config for a domain or selector that is none,
/// invalid for a message without exactly one From or with line ends other than CRLF.
std::string dkim_signature(std::string_view message, const DkimKey& key, const DkimOptions& options,
                           std::int64_t now_s);

/// What the signature is made over: the named fields, from the last upward (§5.4.2), and the signature field
/// itself with an empty b= and without its CRLF. For verifiers in tests, too.
std::string dkim_signed_data(const std::vector<RawField>& fields, const std::vector<std::string>& names,
                             std::string_view signature_field, Canon canon);

}  // namespace mailroom::deliver
