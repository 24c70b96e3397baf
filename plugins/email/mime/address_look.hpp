// What a person, or another reader, would take an address for (internal to mime/).
//
// Nothing here says who sent a message: that is SPF's, DKIM's and DMARC's to prove. It says where what is
// shown is not what is meant.
#pragma once
#include <string>
#include <string_view>

#include "mime/warnings.hpp"

namespace mailroom::mime {

/// True when `text` shows a mailbox other than `address`: "ceo@corp.example" in any name, also with a wide @
/// or with blanks around it. Linear.
bool shows_other_address(std::string_view text, std::string_view address);

/// Why another reader may take another address from this one, as the end of a sentence; empty when none
/// would. What RFC 5322 §3.4.1 allows is not doubtful, nor are the dots of Japanese mobile addresses.
std::string_view address_doubt(std::string_view address);

/// True when its letters, or those that its A-labels stand for, look like those of another address: all of
/// them like ASCII, or of alphabets that no language mixes (UTS #39 §4 and §5.2, highly restrictive). Not
/// seen: "paypa1", "rnicrosoft", names that are similar only.
bool address_looks_like_another(std::string_view address);

/// Replaces what draws nothing by U+FFFD, and tells it, in a value that is compared and not read: what a
/// script needs stays. `what` begins the warning: "From".
void mark_invisible(std::string& value, std::string_view what, Warnings& warnings);

}  // namespace mailroom::mime
