// What a domain says about TLS on the way to it: MTA-STS (RFC 8461 §3.1) and TLS-RPT (RFC 8460 §3). Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::deliver {

/// The record at _mta-sts.DOMAIN. Throws Failure(invalid): no v=STSv1 in front, an id that is not 1 to 32
/// letters and digits.
struct MtaSts {
  std::string
      id;  ///< changes with the policy, which stands at https://mta-sts.DOMAIN/.well-known/mta-sts.txt
};
MtaSts parse_mta_sts(std::string_view txt);

/// The record at _smtp._tls.DOMAIN. Throws Failure(invalid): no v=TLSRPTv1 in front, no rua, a URI that is
/// not mailto: or https:.
struct TlsRpt {
  std::vector<std::string> report_to;
};
TlsRpt parse_tls_rpt(std::string_view txt);

}  // namespace mailroom::deliver
