#include "tools/original.hpp"

#include "mime/forward.hpp"
#include "policy/loop_guard.hpp"
#include "read/part.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kMostKept = 100;

void guard(const policy::Verdict& verdict) {
  if (verdict) return;
  throw Failure(Errc::refused, "no automatic answer to this message: " + verdict.why,
                "loop guard: " + verdict.rule, "This is final. Finish without answering");
}

net::Task<mime::DraftAttachment> fetch_attachment(imap::Client& client, Which which, std::string part,
                                                  std::size_t max_bytes) {
  const Located at = co_await locate(client, which);
  if (!part.empty()) co_return co_await read::fetch_part(client, at.head, part, max_bytes);
  const mime::Message summary = co_await read::fetch_summary(client, at.head);
  mime::DraftAttachment whole;
  whole.filename = mime::forward_filename(summary);
  whole.mime_type = "message/rfc822";
  whole.bytes = co_await read::fetch_whole(client, at.head.uid, max_bytes);
  co_return whole;
}

}  // namespace

Keep keep_of(const aoh::Json& args, const char* field, bool all_when_left_out) {
  const aoh::Json& value = args[field];
  Keep keep;
  if (value.is_null()) {
    keep.all = all_when_left_out;
  } else if (value.is_string()) {
    keep.all = value.str() == "all";
    if (!keep.all && value.str() != "none")
      throw Failure(Errc::invalid, "neither all, none nor a list of part numbers", field);
  } else {
    for (const aoh::Json& part : value.items()) keep.parts.push_back(part.str());
    if (keep.parts.size() > kMostKept)
      throw Failure(Errc::limit, "more than " + std::to_string(kMostKept) + " parts", field);
  }
  return keep;
}

net::Task<Original> fetch_original(imap::Client& client, Which which, OriginalWant want) {
  Original o;
  const Located at = co_await locate(client, which);
  if (want.text)
    o.message = co_await read::fetch_text(client, at.head);
  else
    o.message = co_await read::fetch_summary(client, at.head);
  std::vector<std::string> parts = want.keep.parts;
  if (want.keep.all)
    for (const mime::Attachment& a : o.message.attachments) parts.push_back(a.part);
  if (parts.size() > kMostKept)
    throw Failure(Errc::limit, "the message has more than " + std::to_string(kMostKept) + " attachments", {},
                  "Forward it as an attachment, or name the parts to keep");
  std::size_t left = want.max_bytes;
  for (const std::string& part : parts) {
    mime::DraftAttachment file = co_await read::fetch_part(client, at.head, part, left);
    // The HTML that would show it is not passed on.
    file.is_inline = false;
    file.content_id.clear();
    left -= std::min(left, file.bytes.size());
    o.kept.push_back(std::move(file));
  }
  if (want.whole) o.raw = co_await read::fetch_whole(client, at.head.uid, want.max_bytes);
  co_return o;
}

Original read_original(const Toolbox& box, aoh::Call& call, const host::Account& account, const Which& which,
                       const OriginalWant& want) {
  return imap_call<Original>(box, call, account, [which, want](imap::Client& client) -> net::Task<Original> {
    return fetch_original(client, which, want);
  });
}

mime::DraftAttachment part_of(const Toolbox& box, aoh::Call& call, const host::Account& account,
                              const aoh::Json& where, std::size_t max_bytes) {
  const Which which = which_message(where);
  return imap_call<mime::DraftAttachment>(box, call, account,
                                          [which, part = where["part"].str(), max_bytes](
                                              imap::Client& client) -> net::Task<mime::DraftAttachment> {
                                            return fetch_attachment(client, which, part, max_bytes);
                                          });
}

void check_automatic(const mime::Message& original, const mime::Draft& draft,
                     const std::vector<std::string>& own) {
  guard(policy::may_auto_reply(original, own));
  check_automatic(draft, own);
}

void check_automatic(const mime::Draft& draft, const std::vector<std::string>& own) {
  for (const auto* list : {&draft.to, &draft.cc, &draft.bcc})
    for (const mime::Address& a : *list) guard(policy::may_auto_reply_to(a.address, own));
}

}  // namespace mailroom::tools
