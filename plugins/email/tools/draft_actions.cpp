#include "tools/draft_actions.hpp"

#include <algorithm>

#include "mailbox/draft_box.hpp"
#include "mime/draft_sending.hpp"
#include "mime/fence.hpp"
#include "mime/parse.hpp"
#include "read/part.hpp"
#include "tools/compose_args.hpp"
#include "tools/deliver.hpp"
#include "tools/original.hpp"

namespace mailroom::tools {
namespace {

using mailbox::Place;
using mailbox::Removal;

constexpr std::int64_t kPage = 20, kMostPage = 50;

Failure no_drafts() {
  return {Errc::not_found, "the account has no mailbox for drafts", {}, "email_draft create makes one"};
}

net::Task<std::string> drafts_mailbox(imap::Client& client) {
  const std::optional<std::string> found = co_await mailbox::find_mailbox(client, imap::Use::drafts);
  if (!found) throw no_drafts();
  co_return *found;
}

struct Page {
  std::vector<std::pair<imap::MessageRow, mime::Message>> drafts;  // newest first
  imap::MailboxState mailbox;
  std::size_t total = 0;
  imap::Uid before = 0;  // the next page's; 0: there is none
};

net::Task<Page> fetch_page(imap::Client& client, std::size_t limit, imap::Uid before) {
  Page page;
  const std::optional<std::string> drafts = co_await mailbox::find_mailbox(client, imap::Use::drafts);
  if (!drafts) co_return page;
  page.mailbox = co_await client.select(*drafts, true);
  imap::Criteria criteria;
  criteria.deleted(false);
  std::vector<imap::Uid> uids = co_await client.uid_search(criteria);
  page.total = uids.size();
  if (before != 0) uids.erase(std::lower_bound(uids.begin(), uids.end(), before), uids.end());
  if (uids.size() > limit) {
    uids.erase(uids.begin(), uids.end() - static_cast<std::ptrdiff_t>(limit));
    page.before = uids.front();
  }
  if (uids.empty()) co_return page;
  const imap::FetchItems items = read::head_items(client);
  const imap::UidSet set = imap::UidSet::of(uids);
  std::vector<imap::MessageRow> rows;
  const imap::OnRow on_row = [&](imap::MessageRow&& row) { rows.push_back(std::move(row)); };
  co_await client.uid_fetch(set, items, on_row);
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.uid > b.uid; });
  for (imap::MessageRow& row : rows) {
    mime::Message m = co_await read::fetch_summary(client, row);
    page.drafts.emplace_back(std::move(row), std::move(m));
  }
  co_return page;
}

struct Shown {
  Located at;
  mime::Message message;
};
net::Task<Shown> fetch_shown(imap::Client& client, Place place) {
  Shown s;
  Which which;
  which.mailbox = co_await drafts_mailbox(client);
  which.uid = place.uid;
  which.uid_validity = place.uid_validity;
  s.at = co_await locate(client, which);
  s.message = co_await read::fetch_text(client, s.at.head);
  co_return s;
}

/// A draft to be sent. One that is gone is no error yet: it may have been sent before.
struct ToSend {
  Place place;
  std::string raw;
  Error error;
  std::optional<mime::Message> original;  // what it answers, where a session by itself sends it
};
net::Task<ToSend> fetch_to_send(imap::Client& client, Place place, std::size_t max_bytes,
                                std::string originals_in) {
  ToSend t;
  t.place = place;
  t.place.mailbox = co_await drafts_mailbox(client);
  try {
    co_await mailbox::check_still_there(client, t.place);
    t.raw = co_await read::fetch_whole(client, t.place.uid, max_bytes);
  } catch (const Failure& f) {
    if (is_fatal(f.error.code) && f.error.code != Errc::limit) throw;
    t.error = f.error;
    co_return t;
  }
  if (originals_in.empty()) co_return t;
  const mime::Message head = mime::parse_headers(t.raw);
  if (head.in_reply_to.empty()) co_return t;
  Which which;
  which.mailbox = originals_in;
  which.message_id = head.in_reply_to.front();
  try {
    const Located at = co_await locate(client, which);
    t.original = co_await read::fetch_summary(client, at.head);
  } catch (const Failure& f) {
    if (is_fatal(f.error.code)) throw;  // else it lies elsewhere: its sender is not known
  }
  co_return t;
}

net::Task<Removal> remove(imap::Client& client, Place place) {
  place.mailbox = co_await drafts_mailbox(client);
  co_return co_await mailbox::remove_message(client, place);
}

Outgoing outgoing(const Toolbox& box, const host::Account& account, const ToSend& t, bool automatic) {
  if (t.error) throw Failure(t.error);
  const mime::Message head = mime::parse_headers(t.raw);
  if (automatic) {
    mime::Draft to;
    to.to = head.to;
    to.cc = head.cc;
    to.bcc = head.bcc;
    if (t.original)
      check_automatic(*t.original, to, account.addresses());
    else
      check_automatic(to, account.addresses());
  }
  const char* by = !automatic ? "" : head.in_reply_to.empty() ? "auto-generated" : "auto-replied";
  Outgoing out{
      mime::sendable_from_draft(t.raw, account.addresses(), compose_context(box), compose_limits(box), by),
      head.subject.value_or(""),
      {},
      {}};
  out.then.set("remove_draft", mailbox::to_json(t.place));
  return out;
}

}  // namespace

aoh::Result list_drafts(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                        const host::Account& account) {
  const auto limit =
      static_cast<std::size_t>(std::clamp<std::int64_t>(args["limit"].integer(kPage), 1, kMostPage));
  const auto before = static_cast<imap::Uid>(args["before_uid"].integer());
  const Page page = imap_call<Page>(
      box, call, account, [limit, before](imap::Client& c) { return fetch_page(c, limit, before); });
  mime::RenderOptions options;
  options.format = mime::Format::summary;
  aoh::Json drafts = aoh::Json::array();
  std::string lines;
  for (const auto& [row, message] : page.drafts) {
    drafts.push(read::to_json(message, row, page.mailbox, options));
    std::string to;
    for (const auto* list : {&message.to, &message.cc, &message.bcc})
      for (const mime::Address& a : *list) to += (to.empty() ? "" : ", ") + a.address;
    lines += "UID " + std::to_string(row.uid) + ": \"" + printable(message.subject.value_or(""), 200) +
             "\" to " + printable(to.empty() ? "nobody yet" : to, 300) + "\n";
  }
  aoh::Json j{{"action", "list"}, {"drafts", std::move(drafts)}, {"total", page.total}};
  std::string text = std::to_string(page.drafts.size()) + " of " + std::to_string(page.total) +
                     " drafts, newest first; UIDVALIDITY " + std::to_string(page.mailbox.uid_validity) +
                     "\n" + mime::fence(lines, "drafts", random_token());
  if (page.before != 0) {
    j.set("before_uid", page.before);
    text += "\nFor older ones call again with before_uid " + std::to_string(page.before) + ".";
  }
  return mail_result(std::move(j), std::move(text), "email_draft");
}

aoh::Result show_draft(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                       const host::Account& account) {
  const Place place = draft_place(args);
  const Shown s =
      imap_call<Shown>(box, call, account, [place](imap::Client& c) { return fetch_shown(c, place); });
  mime::RenderOptions options;
  options.format = mime::Format::full;
  aoh::Json j{{"action", "show"}, {"message", read::to_json(s.message, s.at.head, s.at.mailbox, options)}};
  return mail_result(std::move(j), mime::render_for_model(s.message, random_token(), options), "email_draft");
}

aoh::Result send_draft(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                       const host::Account& account) {
  const Place place = draft_place(args);
  need_grant(call, account.id, "send", "send what it drafts");
  const aoh::Json trigger = trigger_of(box, call);
  const bool automatic = !trigger.is_null();
  const std::string originals = automatic ? trigger.path("email.mailbox").str_or("INBOX") : std::string();
  const std::size_t most = box.runtime.config().max_message_bytes;
  call.progress(0, 3, "reading the draft");
  const ToSend t = imap_call<ToSend>(box, call, account, [place, most, originals](imap::Client& c) {
    return fetch_to_send(c, place, most, originals);
  });
  SendKey key;
  key.outbox_id = outbox::Store::id_of(
      account.id, "draft",
      std::to_string(place.uid_validity) + "/" + std::to_string(place.uid) + "/" + t.place.mailbox);
  aoh::Result result = send_once(box, call, account, key, SendOptions::of(box, args),
                                 [&] { return outgoing(box, account, t, automatic); });
  aoh::Json& structured = result.body.slot("structuredContent");
  if (result.status != AOH_OK) return result;
  structured.set("action", "send");
  if (result.body["isError"].boolean()) return result;
  std::string said = "The draft stays until it is sent.";
  if (structured["state"].str() == "sent") {
    std::string refused;
    for (const aoh::Json& r : structured["recipients"].items())
      if (!r["accepted"].boolean(true))
        refused += (refused.empty() ? "" : ", ") + printable(r["address"].str(), 320);
    std::string removal = "left";
    try {
      // The outbox removes it too, where the message waited: who comes second finds it gone.
      const auto done =
          imap_call<Removal>(box, call, account, [p = t.place](imap::Client& c) { return remove(c, p); });
      removal = mailbox::name(done == Removal::gone ? Removal::removed : done);
    } catch (const Failure&) {  // it was sent: that is the answer, whatever becomes of the draft
    }
    structured.set("removal", removal);
    said = removal == "left" ? "The draft could not be removed: discard it, do not send it again."
                             : "The draft was removed.";
    // Sending it once more would reach the others twice: what is left to do is told instead.
    if (!refused.empty()) said += " It did not go to " + refused + ": write to them anew.";
  }
  structured.set("notice", said);
  if (!result.body["content"].empty()) {
    aoh::Json first = result.body["content"].at(0);
    first.set("text", first["text"].str() + " " + said);
    result.body.set("content", aoh::Json::array({std::move(first)}));
  }
  return result;
}

aoh::Result discard_draft(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                          const host::Account& account) {
  const Place place = draft_place(args);
  const Removal removal =
      imap_call<Removal>(box, call, account, [place](imap::Client& c) { return remove(c, place); });
  const char* said = removal == Removal::removed ? "The draft was removed."
                     : removal == Removal::marked
                         ? "The draft is marked as deleted; the server removes it later."
                         : "The draft was not there any more.";
  return aoh::Result::ok(aoh::Json{{"action", "discard"}, {"removal", std::string(mailbox::name(removal))}},
                         said);
}

}  // namespace mailroom::tools
