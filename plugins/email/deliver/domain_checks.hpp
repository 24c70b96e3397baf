// The single checks of a domain report (internal to it). Pure.
#pragma once
#include "deliver/domain_report.hpp"

namespace mailroom::deliver {

DomainCheck check_mx(const DomainQuestion& q, const DnsLookup& lookup);
DomainCheck check_spf(const DomainQuestion& q, const DnsLookup& lookup);
DomainCheck check_dkim(const DomainQuestion& q, const DnsLookup& lookup);
DomainCheck check_dmarc(const DomainQuestion& q, const DnsLookup& lookup);
/// Of the envelope's domain and of d= with From, by the domain's own DMARC modes.
DomainCheck check_alignment(const DomainQuestion& q, const DnsLookup& lookup);
DomainCheck check_mta_sts(const DomainQuestion& q, const DnsLookup& lookup);
DomainCheck check_tls_rpt(const DomainQuestion& q, const DnsLookup& lookup);
/// Of the given address, else of the first MX host's: its name, and that the name leads back.
DomainCheck check_reverse_dns(const DomainQuestion& q, const DnsLookup& lookup);

/// A line of the DNS as it is shown: `name TYPE "text"`.
std::string shown(std::string_view at, DnsType type, std::string_view text);

}  // namespace mailroom::deliver
