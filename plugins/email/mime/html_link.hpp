// Where a link leads, and whether its words say so (internal to mime/).
#pragma once
#include <string>
#include <string_view>

namespace mailroom::mime {

/// The target as a reader should see it: `href` against the document's `base`, at most 2,000 bytes, brackets
/// and white space made "_"; empty when it leads nowhere (fragments, scripts, relative without a base).
std::string link_target(std::string_view href, std::string_view base);
/// Whether `words` read as the address that `target` is, so that it need not be shown.
bool says_target(std::string_view words, std::string_view target);
/// Whether `words` read as an address, of the web or of mail, that leads elsewhere than `target`. Hosts are
/// compared, "www." aside; a host within the other is the same.
bool link_differs(std::string_view words, std::string_view target);

}  // namespace mailroom::mime
