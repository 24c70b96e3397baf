#include "tools/thread.hpp"

#include <algorithm>

#include "mailbox/special.hpp"
#include "read/conversation.hpp"
#include "read/filter.hpp"
#include "tools/account_session.hpp"
#include "tools/listing.hpp"
#include "tools/plain_words.hpp"
#include "tools/shown.hpp"

namespace mailroom::tools {
namespace {

constexpr std::int64_t kPage = 20, kMostPage = 50;

struct Wanted {
  Which which;
  std::string thread;  // instead of which
  std::size_t offset = 0, limit = kPage;
  bool fold = true, summary = false;
};

struct Read {
  read::Conversation conversation;
  std::vector<Shown> shown;
};

/// A message of the thread that a search elsewhere named by its id.
net::Task<Which> member_of(imap::Client& client, std::string mailbox, std::string thread) {
  co_await client.select(mailbox, true);
  read::Filter filter;
  filter.deleted = true;
  filter.thread = thread;
  const read::SearchWays ways{client.capabilities().has("OBJECTID"), client.capabilities().has("X-GM-EXT-1"),
                              false};
  const imap::Criteria criteria = read::criteria(filter, ways);
  const std::vector<imap::Uid> uids = co_await client.uid_search(criteria);
  for (auto it = uids.rbegin(); it != uids.rend() && it - uids.rbegin() < 20; ++it) {
    const imap::FetchItems items = read::summary_items();
    std::optional<imap::MessageRow> row = co_await read::fetch_one(client, *it, items);
    if (!row || !read::matches(filter, read::summary_of(std::move(*row)))) continue;
    Which which;
    which.mailbox = mailbox;
    which.uid = *it;
    co_return which;
  }
  throw Failure(Errc::not_found, "no message of this conversation is there", printable(mailbox, 200),
                "Name the mailbox that holds one");
}

net::Task<Located> seed_of(imap::Client& client, const Wanted& w) {
  Which which = w.which;
  if (!w.thread.empty()) which = co_await member_of(client, w.which.mailbox, w.thread);
  Error first;
  try {
    co_return co_await locate(client, which);
  } catch (const Failure& f) {
    if (f.error.code != Errc::not_found || which.message_id.empty()) throw;
    first = f.error;
  }
  // It may be one of our own.
  const std::optional<std::string> sent = co_await mailbox::find_mailbox(client, imap::Use::sent);
  if (!sent) throw Failure(first);
  which.mailbox = *sent;
  co_return co_await locate(client, which);
}

net::Task<void> open(imap::Client& client, const read::Member& m) {
  if (client.mailbox().name == m.mailbox) co_return;
  mailbox::Place place;
  place.mailbox = m.mailbox;
  place.uid_validity = m.uid_validity;
  co_await mailbox::open_at(client, place, true);
}

net::Task<void> read_one(imap::Client& client, const read::Member& m, const Wanted& w, Read& out) {
  co_await open(client, m);
  Shown s;
  s.mailbox = client.mailbox();
  const imap::FetchItems items = read::head_items(client);
  std::optional<imap::MessageRow> head = co_await read::fetch_one(client, m.summary.row.uid, items);
  if (!head)
    throw Failure(Errc::not_found, "the message is gone", "message UID " + std::to_string(m.summary.row.uid));
  s.head = std::move(*head);
  if (w.summary)
    s.message = co_await read::fetch_summary(client, s.head);
  else
    s.message = co_await read::fetch_text(client, s.head);
  if (w.fold) fold(s);
  out.shown.push_back(std::move(s));
}

net::Task<Read> read_thread(imap::Client& client, Wanted w) {
  Located at = co_await seed_of(client, w);
  const imap::FetchItems items = read::summary_items();
  std::optional<imap::MessageRow> row = co_await read::fetch_one(client, at.head.uid, items);
  if (!row)
    throw Failure(Errc::not_found, "the message is gone", "message UID " + std::to_string(at.head.uid));
  read::Member seed{at.mailbox.name, at.mailbox.uid_validity, read::summary_of(std::move(*row))};
  Read out;
  out.conversation = co_await read::find_conversation(client, std::move(seed));
  const std::vector<read::Member>& all = out.conversation.members;
  for (std::size_t i = w.offset; i < all.size() && i < w.offset + w.limit; ++i) {
    Error error;
    try {
      co_await read_one(client, all[i], w, out);
    } catch (const Failure& f) {
      if (is_fatal(f.error.code)) throw;
      error = f.error;
    }
    if (error) out.conversation.unreadable.emplace_back(all[i].summary.row.uid, error);
  }
  co_return out;
}

Wanted wanted_of(const aoh::Json& args) {
  Wanted w;
  w.thread = args["thread"].str();
  if (w.thread.starts_with('<') && w.thread.ends_with('>'))
    w.thread = w.thread.substr(1, w.thread.size() - 2);
  if (w.thread.empty())
    w.which = which_message(args);
  else
    w.which.mailbox = args["mailbox"].str_or("INBOX");
  w.offset = static_cast<std::size_t>(std::max<std::int64_t>(0, args["offset"].integer()));
  w.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(args["limit"].integer(kPage), 1, kMostPage));
  w.fold = args["fold_quotes"].boolean(true);
  w.summary = format_of(args, mime::Format::text) == mime::Format::summary;
  return w;
}

}  // namespace

aoh::Result email_thread(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    need_plain_words(args);
    const host::Account account = box.runtime.services().account(credential_of(args, call));
    const Wanted w = wanted_of(args);
    const Read r = imap_call<Read>(
        box, call, account, [w](imap::Client& client) -> net::Task<Read> { return read_thread(client, w); });
    mime::RenderOptions options;
    options.format = w.summary ? mime::Format::summary : mime::Format::text;
    options.max_text_bytes = text_share(r.shown.size());
    const std::size_t total = r.conversation.members.size();
    const std::string nonce = random_token();
    std::string text = "The conversation has " + std::to_string(total) + " messages, oldest first.\n", notice;
    aoh::Json messages = aoh::Json::array(), places = aoh::Json::array();
    for (const Shown& s : r.shown) {
      aoh::Json j = shown_json(s, options);
      text += "\n" + shown_text(s, nonce, options);
      notice += read_on(j);
      messages.push(std::move(j));
    }
    for (const std::string& m : r.conversation.searched) places.push(m);
    aoh::Json structured{{"messages", std::move(messages)},
                         {"total", total},
                         {"offset", w.offset},
                         {"mailboxes", std::move(places)}};
    if (!r.conversation.unreadable.empty())
      structured.set("unreadable", unreadable_json(r.conversation.unreadable));
    text += unreadable_lines(r.conversation.unreadable);
    if (w.offset + w.limit < total)
      notice += std::to_string(total - w.offset - w.limit) + " later messages: call again with offset " +
                std::to_string(w.offset + w.limit) + ". ";
    if (r.conversation.cut)
      notice += "The conversation is longer than what was looked at: search for the rest with email_search. ";
    while (notice.ends_with(' ')) notice.pop_back();
    if (!notice.empty()) {
      structured.set("notice", notice);
      text += notice + "\n";
    }
    return mail_result(std::move(structured), std::move(text), "email_thread");
  });
}

}  // namespace mailroom::tools
