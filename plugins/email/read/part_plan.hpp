// Which parts of a message to download so that its text can be read and its attachments named, but not
// fetched. Pure.
//
// The parts that were fetched are put together to a message that lacks nothing but the attachments' bytes; it
// goes through the same parser as a whole one, so that both read alike.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "imap/proto/types.hpp"
#include "mime/message.hpp"

namespace mailroom::read {

struct TextLimits {
  std::uint32_t text_part = 1u << 20;  ///< bytes fetched of one text part (or of a message that is one part)
  std::uint32_t all_text = 4u << 20;   ///< of all of them
  std::size_t parts = 200;             ///< parts looked at; the others do not appear
};

struct PartPlan {
  bool plain = false;  ///< BODY[TEXT] alone does: one part, or no attachments at all
  bool cut = false;    ///< a limit leaves something out
  std::vector<imap::FetchItems::Want> wants;
};

/// The part that is no multipart and has this number; null when there is none.
const imap::BodyPart* find_part(const imap::BodyPart& top, std::string_view number);

/// `head`: a row fetched with size, structure and section HEADER. Without a readable structure the plan is
/// the beginning of TEXT.
PartPlan plan_text(const imap::MessageRow& head, const TextLimits& limits = {});

/// The message: `head`'s header, what `parts` (a row fetched with plan.wants) brought. Attachments that were
/// not fetched have an estimated size and no hash.
mime::Message assemble(const imap::MessageRow& head, const PartPlan& plan, const imap::MessageRow& parts);

}  // namespace mailroom::read
