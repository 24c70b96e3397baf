#include "tools/draft.hpp"

#include <algorithm>

#include "host/sha256.hpp"
#include "mime/ascii.hpp"
#include "mime/stored_draft.hpp"
#include "mime/thread.hpp"
#include "read/part.hpp"
#include "tools/deliver.hpp"
#include "tools/draft_actions.hpp"
#include "tools/original.hpp"

namespace mailroom::tools {
namespace {

using mailbox::Place;

/// Everything that the coroutine needs: it may outlive the call.
struct Storing {
  mime::Draft draft;
  std::optional<Place> older;  ///< without its mailbox
  aoh::Json given;             ///< the arguments: what is not given is taken from the older one
  mime::ComposeContext context;
  mime::ComposeLimits limits;
  std::vector<std::string> ids;  ///< Message-IDs that a repeated call may have stored it under
};

/// The older draft with what was given instead.
mime::Draft changed(mime::Draft older, mime::Draft given, const aoh::Json& args) {
  if (args.has("from") || older.from.empty()) older.from = std::move(given.from), older.sender.reset();
  if (args.has("to")) older.to = std::move(given.to);
  if (args.has("cc")) older.cc = std::move(given.cc);
  if (args.has("bcc")) older.bcc = std::move(given.bcc);
  if (args.has("reply_to")) older.reply_to = std::move(given.reply_to);
  if (args.has("subject") || !given.subject.empty()) older.subject = std::move(given.subject);
  // One of two bodies alone would contradict the other.
  if (args.has("text") || args.has("html") || given.text || given.html) {
    older.text = std::move(given.text);
    older.html = std::move(given.html);
  }
  for (auto& field : older.extra_headers) {
    const bool again = std::any_of(given.extra_headers.begin(), given.extra_headers.end(),
                                   [&](const auto& g) { return mime::iequals(g.first, field.first); });
    if (!again) given.extra_headers.push_back(std::move(field));
  }
  older.extra_headers = std::move(given.extra_headers);
  if (args.has("attachments")) older.attachments = std::move(given.attachments);
  return older;
}

net::Task<StoredDraft> store(imap::Client& client, std::shared_ptr<Storing> s) {
  StoredDraft out;
  const std::string drafts = co_await mailbox::special_mailbox(client, imap::Use::drafts);
  if (s->older) s->older->mailbox = drafts;
  for (const std::string& id : s->ids) {
    const std::vector<imap::Uid> there = co_await mailbox::find_by_message_id(client, drafts, id);
    if (there.empty()) continue;
    out.place = {drafts, client.mailbox().uid_validity, there.back()};
    out.message_id = id;
    out.repeated = true;
  }
  if (!out.repeated) {
    mime::Draft draft = std::move(s->draft);
    if (s->older) {
      co_await mailbox::check_still_there(client, *s->older);
      const std::string raw = co_await read::fetch_whole(client, s->older->uid, s->limits.max_message_bytes);
      draft = changed(mime::draft_from_bytes(raw), std::move(draft), s->given);
    }
    draft.keep_bcc = true;
    draft.allow_missing_images = true;  // HTML of another program's may name what it never had
    const mime::Composed composed = mime::compose(draft, s->context, s->limits);
    out.place = co_await mailbox::append_draft(client, drafts, composed.bytes, composed.message_id, false);
    out.message_id = composed.message_id;
    out.size = composed.bytes.size();
  }
  // Only now: whatever breaks here leaves both.
  if (s->older && s->older->uid != out.place.uid) {
    try {
      out.older = co_await mailbox::remove_message(client, *s->older);
    } catch (const Failure& f) {
      if (f.error.code == Errc::cancelled) throw;
    }
  }
  co_return out;
}

StoredDraft store(const Toolbox& box, const aoh::Json& args, aoh::Call& call, const host::Account& account,
                  mime::Draft draft, std::optional<Place> older) {
  auto s = std::make_shared<Storing>();
  s->draft = std::move(draft);
  s->draft.auto_submitted.clear();  // whether a machine sends it is not known before it is sent
  s->older = std::move(older);
  s->given = args;
  s->context.unix_seconds = box.runtime.services().clock.wall_ns() / 1'000'000'000;
  s->context.message_id_unique = random_token(26);
  s->context.boundary_seed = random_token(26);
  s->limits.max_message_bytes = box.runtime.config().max_message_bytes;
  if (!args["idempotency_key"].str().empty() || !call.context()["idempotency_key"].str().empty()) {
    // The same call again makes the same Message-ID, and finds what it stored before.
    const SendKey key = send_key(args, call, account.id);
    s->context.message_id_unique =
        "draft-" + host::sha256_hex(key.outbox_id + "/" + key.request_sha256).substr(0, 32);
    for (const host::Identity& i : account.identities) {
      const std::string id =
          s->context.message_id_unique + i.address.substr(std::min(i.address.rfind('@'), i.address.size()));
      if (std::find(s->ids.begin(), s->ids.end(), id) == s->ids.end()) s->ids.push_back(id);
    }
  }
  return imap_call<StoredDraft>(box, call, account, [s](imap::Client& c) { return store(c, s); });
}

/// The content that the arguments describe, upon the message that it answers where there is one.
mime::Draft content(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                    const host::Account& account) {
  mime::Draft d = draft_of(box, args, call, account);
  const aoh::Json& about = args["in_reply_to"];
  if (about.is_null()) return d;
  OriginalWant want;
  want.text = about["quote"].boolean();
  call.progress(0, 2, "reading the message to answer");
  const mime::Message original = read_original(box, call, account, which_message(about), want).message;
  mime::Draft reply = mime::reply_draft(original, account.addresses(), about["reply_all"].boolean());
  if (args.has("to")) {
    reply.to.clear();
    if (!about["reply_all"].boolean()) reply.cc.clear();
  }
  if (want.text) {
    if (d.text || !d.html) d.text = d.text.value_or("") + "\n\n" + mime::quote_text(original);
    if (d.html) d.html = *d.html + "<br><br>" + mime::quote_html(original);
  }
  if (!args.has("to")) d.to = reply.to;
  if (!args.has("cc")) d.cc = reply.cc;
  if (d.subject.empty()) d.subject = reply.subject;
  d.in_reply_to = reply.in_reply_to;
  d.references = reply.references;
  return d;
}

}  // namespace

Place draft_place(const aoh::Json& args) {
  const Place place = mailbox::place_from(args);
  if (place.uid == 0 || place.uid_validity == 0)
    throw Failure(Errc::invalid, "no draft was named", "uid",
                  "Give uid and uid_validity, as create and list tell them");
  return {{}, place.uid_validity, place.uid};
}

StoredDraft store_draft(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                        const host::Account& account, mime::Draft draft) {
  return store(box, args, call, account, std::move(draft), std::nullopt);
}

aoh::Result stored_result(const StoredDraft& s, std::string_view action) {
  aoh::Json draft = mailbox::to_json(s.place);
  draft.set("message_id", s.message_id);
  draft.set_if(s.size != 0, "size", s.size);
  aoh::Json j{{"action", action}, {"draft", std::move(draft)}};
  j.set_if(s.repeated, "repeated", true);
  std::string text = "The draft lies in " + printable(s.place.mailbox, 200) + ", UID " +
                     std::to_string(s.place.uid) + ", UIDVALIDITY " + std::to_string(s.place.uid_validity) +
                     ". Nothing was sent.";
  std::string notice;
  if (s.place.uid == 0) notice = "The server did not tell its UID: list the drafts.";
  if (action == "update") {
    if (s.older) j.set("removal", std::string(mailbox::name(*s.older)));
    if (!s.older && !s.repeated)
      notice = "The older version could not be removed and is still there: discard it.";
    if (s.older == mailbox::Removal::gone && !s.repeated)
      notice =
          "The older version was changed or removed elsewhere meanwhile: look whether there is another "
          "draft.";
    if (s.older == mailbox::Removal::marked)
      notice = "The older version is marked as deleted; the server removes it later.";
  }
  if (!notice.empty()) {
    j.set("notice", notice);
    text += " " + notice;
  }
  return aoh::Result::ok(std::move(j), std::move(text));
}

aoh::Result email_draft(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&]() -> aoh::Result {
    const std::string& action = args["action"].str();
    const host::Account account = box.runtime.services().account(credential_of(args, call));
    if (action == "create")
      return stored_result(store_draft(box, args, call, account, content(box, args, call, account)), action);
    if (action == "update") {
      const Place older = draft_place(args);
      if (args.has("in_reply_to"))
        throw Failure(Errc::invalid, "what a draft answers cannot be changed", "in_reply_to",
                      "Create a new draft");
      return stored_result(store(box, args, call, account, draft_of(box, args, call, account), older),
                           action);
    }
    if (action == "list") return list_drafts(box, args, call, account);
    if (action == "show") return show_draft(box, args, call, account);
    if (action == "send") return send_draft(box, args, call, account);
    if (action == "discard") return discard_draft(box, args, call, account);
    throw Failure(Errc::invalid, "unknown action \"" + printable(action, 32) + "\"", "action",
                  "Use create, update, list, show, send or discard");
  });
}

}  // namespace mailroom::tools
