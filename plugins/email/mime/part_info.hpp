// What a part is, from its own header fields (internal to mime/).
#pragma once
#include <optional>
#include <string>

#include "mime/parse.hpp"
#include "mime/scanner.hpp"
#include "mime/transfer.hpp"

namespace mailroom::mime {

struct PartInfo {
  std::string disposition;              ///< lower case; empty when absent
  std::optional<std::string> filename;  ///< decoded; Content-Disposition's before Content-Type's
  std::string charset;                  ///< as labelled
  Transfer encoding = Transfer::identity;
  std::string content_id;  ///< without angle brackets
  bool flowed = false;     ///< format=flowed (RFC 3676)
  bool delsp = false;
  bool names_differ = false;  ///< the fields name the part differently
  bool name_broken = false;   ///< a piece of the name is missing
  bool name_control = false;  ///< it holds a NUL or a line end, where another reader's name ends
};

PartInfo part_info(const EntitySpan& entity, const ParseLimits& limits);

/// What a part is for a person where its type alone does not say it: "message", "tnef", "calendar",
/// "smime-encrypted", "smime-signed", "smime-signature", "pgp-encrypted", "pgp-signature" ... (docs/mime.md);
/// "" for an ordinary file. `parent` is the entity around it.
std::string kind_of(const EntitySpan& entity, const EntitySpan& parent, const PartInfo& info);

}  // namespace mailroom::mime
