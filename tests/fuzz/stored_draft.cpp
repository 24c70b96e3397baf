// A draft that any program may have edited: refused, or sent as mail that has one reading and no Bcc.
#include "mime/stored_draft.hpp"
#include "mime/draft_sending.hpp"
#include "mime/parse.hpp"

#include "fuzz.hpp"

namespace mailroom::fuzz {

FUZZ_TARGET(stored_draft) {
  using namespace mime;
  const ComposeContext context{0, "token-01234567", "seed-01234567"};
  const std::vector<std::string> own = {"me@example.org"};
  Composed sent;
  try {
    sent = sendable_from_draft(data, own, context);
    const std::string& bytes = sent.bytes;
    must(!sent.envelope_to.empty() && sent.envelope_from == "me@example.org", "it has an envelope");
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] == '\r') must(i + 1 < bytes.size() && bytes[i + 1] == '\n', "no bare CR is sent");
      if (bytes[i] == '\n') must(i > 0 && bytes[i - 1] == '\r', "no bare LF is sent");
    }
    must(bytes.find('\0') == std::string::npos, "no NUL is sent");
    const Message m = parse(bytes);
    must(m.bcc.empty() && m.header("Bcc") == nullptr, "no Bcc is sent");
    must(m.from.size() == 1 || m.sender.size() == 1, "it has one sender");
    must(m.message_id == sent.message_id && m.all_headers("Message-ID").size() == 1, "it has one id");
    must(m.all_headers("From").size() == 1 && m.all_headers("Date").size() == 1, "it has one reading");
  } catch (const Failure& f) {
    must(f.error.code == Errc::invalid || f.error.code == Errc::limit || f.error.code == Errc::refused,
         "a draft is refused as such");
  }
  Draft draft = draft_from_bytes(data);
  draft.keep_bcc = true;
  draft.allow_missing_images = true;
  try {
    const Draft again = draft_from_bytes(compose(draft, context).bytes);
    must(again.to == draft.to && again.cc == draft.cc && again.bcc == draft.bcc,
         "recipients stay when a draft is saved again");
    must(again.attachments.size() >= draft.attachments.size(), "files stay when a draft is saved again");
  } catch (const Failure& f) {
    must(f.error.code == Errc::invalid || f.error.code == Errc::limit, "a draft is refused as such");
  }
}

}  // namespace mailroom::fuzz
