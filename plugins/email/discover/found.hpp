// Where an address's servers are, as one source tells it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "net/endpoint.hpp"

namespace mailroom::discover {

struct Found {
  std::optional<net::Endpoint> imap, smtp;
  std::string username;  ///< empty: the address itself
  bool oauth2 = false;   ///< the source says that OAuth 2 is a way to sign in there
  bool password = true;  ///< ... or a password of some kind
  std::string how;       ///< "SRV records of example.org", for people
  /// It came by a way that anybody on the network could forge (plain DNS), and names a host outside of the
  /// address's own domain: a person must agree first (RFC 6186 §6).
  bool doubtful = false;

  bool empty() const { return !imap && !smtp; }
};

/// Is `host` the domain or a name below it? ASCII, any case.
bool is_below(std::string_view host, std::string_view domain);

/// Letters, digits, '-', '_' and dots, as a host's name has them, and a name that can be asked for.
bool is_host(std::string_view text);

/// The part behind the last '@', in lower case; empty when there is none.
std::string domain_of(std::string_view address);

}  // namespace mailroom::discover
