#include "tools/attachment.hpp"

#include <algorithm>

#include "mime/ascii.hpp"
#include "mime/compose.hpp"
#include "mime/fence.hpp"
#include "read/part.hpp"
#include "read/part_plan.hpp"
#include "read/to_blob.hpp"
#include "store/links.hpp"
#include "tools/account_session.hpp"
#include "tools/attachment_text.hpp"
#include "tools/days.hpp"
#include "tools/plain_words.hpp"

namespace mailroom::tools {
namespace {

constexpr std::uint64_t kMostBlob = 512u << 20;  // bytes of an attachment as it is encoded
constexpr std::size_t kMostText = 16u << 20;     // of one whose text is made here
constexpr std::size_t kMostAround = 32u << 20;   // of a message, winmail.dat or signature that it lies within

enum class As { blob, text, link };

struct Wanted {
  Which which;
  std::string part, filename;
  As as = As::blob;
  std::string call_id;
};

struct Got {
  mime::Attachment named;  // as the sender named it
  imap::Uid uid = 0;
  std::uint32_t uid_validity = 0;
  std::optional<mime::DraftAttachment> bytes;  // text that is made here
  read::Stored stored;                         // else
};

std::string offer(const mime::Message& m) {
  std::string out;
  for (std::size_t i = 0; i < m.attachments.size() && i < 20; ++i)
    out += (i ? ", " : "") + ("part " + m.attachments[i].part);
  return out.empty() ? "The message has no attachments" : "It has " + out;
}

mime::Attachment choose(const mime::Message& m, const Wanted& w, const std::string& where) {
  std::vector<const mime::Attachment*> found;
  for (const mime::Attachment& a : m.attachments) {
    const std::string name = a.filename.value_or("");
    if (!w.part.empty() ? a.part == w.part
        : w.filename.empty()
            ? true
            : mime::iequals(name, w.filename) || mime::iequals(mime::safe_filename(name), w.filename))
      found.push_back(&a);
  }
  if (found.size() == 1) return *found.front();
  if (!found.empty())
    throw Failure(Errc::invalid,
                  std::to_string(found.size()) +
                      (w.filename.empty() ? " attachments are there" : " attachments have this name"),
                  where, "Name one by its part. " + offer(m));
  throw Failure(Errc::not_found, "the message has no such attachment", where, offer(m));
}

/// "2.tnef.1", or "2.1" of an attached message: within a part, which the server's structure does not show.
bool lies_within(const imap::BodyPart& top, std::string_view number) {
  for (std::size_t dot = number.rfind('.'); dot != number.npos && dot > 0; dot = number.rfind('.', dot - 1))
    if (read::find_part(top, number.substr(0, dot))) return true;
  return false;
}

bool read_here(const mime::Attachment& a) {
  return a.mime_type.starts_with("text/") || a.mime_type == "message/rfc822";
}

net::Task<Got> get(imap::Client& client, const host::Services& services, Wanted w) {
  const Located at = co_await locate(client, w.which);
  const std::string where = "message UID " + std::to_string(at.head.uid);
  const mime::Message summary = co_await read::fetch_summary(client, at.head);
  Got got;
  got.uid = at.head.uid;
  got.uid_validity = at.mailbox.uid_validity;
  const imap::BodyPart* part =
      !w.part.empty() && at.head.structure ? read::find_part(*at.head.structure, w.part) : nullptr;
  const bool listed = std::any_of(summary.attachments.begin(), summary.attachments.end(),
                                  [&](const mime::Attachment& a) { return a.part == w.part; });
  if (part && !listed) {  // a text part, named by its number
    got.named.part = w.part;
    got.named.mime_type = part->type + "/" + part->subtype;
  } else if (!part && !listed && at.head.structure && lies_within(*at.head.structure, w.part)) {
    mime::DraftAttachment inside = co_await read::fetch_part(client, at.head, w.part, kMostAround);
    got.named.part = w.part;
    got.named.mime_type = inside.mime_type;
    got.named.filename = inside.filename;
    if (w.as == As::text && read_here(got.named)) {
      got.bytes = std::move(inside);
      co_return got;
    }
    const aoh::Json info{{"mime_type", inside.mime_type}, {"filename", inside.filename}};
    got.stored.blob = services.make_blob(w.call_id, info, inside.bytes);
    got.stored.charset = inside.charset;
    co_return got;
  } else {
    got.named = choose(summary, w, where);
  }
  if (w.as == As::text && read_here(got.named)) {
    got.bytes = co_await read::fetch_part(client, at.head, got.named.part, kMostText);
    co_return got;
  }
  const read::ToBlob to{services, w.call_id, kMostBlob};
  got.stored = co_await read::part_to_blob(client, at.head, got.named.part, to);
  co_return got;
}

aoh::Json link(const Toolbox& box, aoh::Call& call, const std::string& credential, const aoh::Json& blob,
               const std::string& filename, const std::string& type, std::int64_t lifetime_s) {
  store::File file = store::file_of_blob(box.runtime.services(), blob["id"].str(), call.id(), filename);
  file.filename = filename;
  file.content_type = type;
  const std::int64_t now = box.runtime.services().clock.wall_ns() / 1'000'000'000;
  const store::Plan plan =
      store::plan(box.runtime, call, credential, file, random_token(32), now, lifetime_s);
  store::upload(box.runtime, call, plan, file);
  return aoh::Json{{"id", plan.id}, {"url", plan.link.url}, {"expires", utc_seconds(plan.link.expires_s)}};
}

Wanted wanted_of(const aoh::Json& args, const aoh::Call& call) {
  Wanted w;
  w.which = which_message(args);
  w.part = args["part"].str();
  w.filename = args["filename"].str();
  const std::string as = args["as"].str_or("blob");
  if (as != "blob" && as != "text" && as != "link")
    throw Failure(Errc::invalid, "unknown form \"" + printable(as, 32) + "\"", "as",
                  "Use blob, text or link");
  w.as = as == "text" ? As::text : as == "link" ? As::link : As::blob;
  w.call_id = call.id();
  return w;
}

}  // namespace

aoh::Result email_attachment(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    need_plain_words(args);
    const host::Services& services = box.runtime.services();
    const std::string credential = credential_of(args, call);
    const Wanted w = wanted_of(args, call);
    if (w.as == As::link) need_grant(call, credential, "send", "make links that open files to others");
    const host::Account account = services.account(credential);
    if (w.as == As::link && account.link_store.empty())
      throw Failure(Errc::config, "the account has no store for files",
                    "credential " + account.id + ": link_store",
                    "Let the operator add one, or take the attachment as a blob");
    const Got got = imap_call<Got>(
        box, call, account,
        [&services, w](imap::Client& client) -> net::Task<Got> { return get(client, services, w); });
    const std::string original = got.named.filename.value_or("");
    const std::string& stored_name = got.bytes ? got.bytes->filename : got.stored.blob["filename"].str();
    const std::string name = stored_name.empty() ? mime::safe_filename(original) : stored_name;
    aoh::Json a{
        {"uid", got.uid}, {"part", got.named.part}, {"filename", name}, {"mime_type", got.named.mime_type}};
    a.set_if(got.uid_validity != 0, "uid_validity", got.uid_validity);
    a.set_if(!original.empty() && original != name, "original_filename", original);
    const std::string nonce = random_token();
    std::string text = "Part " + got.named.part + " of UID " + std::to_string(got.uid) +
                       ", a file that a stranger sent:\n" +
                       mime::fence(name + "\n" + got.named.mime_type, "file", nonce),
                notice;
    if (!got.bytes) {
      a.set("size", got.stored.blob["size"]);
      a.set_if(got.stored.blob.has("sha256"), "sha256", got.stored.blob["sha256"]);
      a.set_if(!got.stored.charset.empty(), "charset", got.stored.charset);
      if (got.stored.broken) notice = "Its encoding was damaged: this is what could be read of it. ";
    }
    if (w.as == As::blob) {
      a.set("blob", got.stored.blob["id"]);
      text += "Its " + std::to_string(a["size"].integer()) + " bytes are blob " + a["blob"].str() + ".\n";
    } else if (w.as == As::link) {
      a.set("link", link(box, call, credential, got.stored.blob, name, got.named.mime_type,
                         args["lifetime_s"].integer()));
      text += "Whoever has this link has the file, until " + a["link"]["expires"].str() + ": " +
              a["link"]["url"].str() + "\n";
    } else {
      const AttachmentText t = got.bytes
                                   ? text_of(*got.bytes, got.named.mime_type)
                                   : extracted(services, call, got.stored.blob, name, got.named.mime_type);
      notice +=
          put_text(t, static_cast<std::size_t>(std::max<std::int64_t>(0, args["text_offset"].integer())), a);
      text += mime::fence(a["text"].str(), "text", nonce);
    }
    aoh::Json structured{{"attachment", std::move(a)}, {"untrusted", true}};
    while (notice.ends_with(' ')) notice.pop_back();
    if (!notice.empty()) {
      structured.set("notice", notice);
      text += notice + "\n";
    }
    return mail_result(std::move(structured), std::move(text), "email_attachment");
  });
}

}  // namespace mailroom::tools
