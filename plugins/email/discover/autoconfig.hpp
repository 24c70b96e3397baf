// Servers by an autoconfig document, as mail programs read it (config-v1.1.xml). Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "discover/found.hpp"

namespace mailroom::discover {

/// Largest document that is read, in bytes.
constexpr std::size_t kAutoconfigBytes = 256u << 10;

/// Where the documents of an address lie, in the order to ask: the domain's own, and the one place where
/// providers are collected. All by HTTPS; the address itself goes to the domain's own hosts only. `domain` in
/// A-labels.
std::vector<std::string> autoconfig_urls(const std::string& address, const std::string& domain);

/// The first IMAP and SMTP servers with TLS, implicit before STARTTLS. Placeholders are filled in from the
/// address. Servers without TLS, of other kinds (POP3, Exchange) and hosts that are no names are passed over.
/// Throws Failure(protocol) for what is no such document, or too large.
Found from_autoconfig(std::string_view xml, const std::string& address);

}  // namespace mailroom::discover
