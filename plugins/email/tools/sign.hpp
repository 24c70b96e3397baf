// The DKIM signatures of an account, put onto what it sends.
#pragma once
#include <string_view>

#include "deliver/dkim_key.hpp"
#include "host/account.hpp"
#include "mime/compose.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// One signature for each of the account's `dkim` entries whose domain is the From address's or above it, in
/// front of the message. `bearer`: on whose behalf the keys are read. Throws Failure(config) for a key that
/// is missing or cannot be read: mail of a domain that signs never goes unsigned.
void sign(const Toolbox& box, const host::Account& account, std::string_view bearer, mime::Composed& mail);

/// The key of the account's n-th `dkim` entry. Throws as above.
deliver::DkimKey signing_key(const host::Services& services, const host::Account& account, std::size_t n,
                             std::string_view bearer);

}  // namespace mailroom::tools
