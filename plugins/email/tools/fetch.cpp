#include "tools/fetch.hpp"

#include <algorithm>

#include "mailbox/special.hpp"
#include "mime/fence.hpp"
#include "read/rows.hpp"
#include "read/to_blob.hpp"
#include "tools/account_session.hpp"
#include "tools/listing.hpp"
#include "tools/plain_words.hpp"
#include "tools/shown.hpp"

namespace mailroom::tools {
namespace {

constexpr std::uint64_t kMostRaw = 512u << 20;  // bytes of a raw message: it flows into a blob
constexpr std::size_t kMost = 20;               // messages of one call
constexpr std::size_t kInline = 16u << 10;      // bytes of a raw message that stand in the answer themselves
constexpr std::uint32_t kMostText = 16u << 20;

struct Wanted {
  Which which;
  std::vector<imap::Uid> uids;  // empty: which
  mime::Format format = mime::Format::text;
  bool raw = false, mark_seen = false, fold_quotes = false;
  read::TextLimits limits;
  std::string call_id;
};

struct Fetched {
  std::vector<Shown> shown;
  std::vector<aoh::Json> raw;  // of each, with format raw
  std::vector<std::pair<imap::Uid, Error>> unreadable;
  std::size_t same_id = 1;
};

net::Task<Fetched> find(imap::Client& client, const Wanted& w) {
  Fetched f;
  if (w.uids.empty()) {
    Located at = co_await locate(client, w.which);
    f.same_id = at.same_id;
    f.shown.push_back({std::move(at.head), std::move(at.mailbox), {}, 0});
    co_return f;
  }
  mailbox::Place place;
  place.mailbox = w.which.mailbox;
  place.uid_validity = w.which.uid_validity;
  const imap::MailboxState state = co_await mailbox::open_at(client, place, true);
  const imap::FetchItems items = read::head_items(client);
  read::Rows rows = co_await read::fetch_rows(client, w.uids, items);
  f.unreadable = std::move(rows.unreadable);
  for (const imap::Uid uid : w.uids) {
    const auto row = std::find_if(rows.rows.begin(), rows.rows.end(),
                                  [&](const imap::MessageRow& r) { return r.uid == uid; });
    if (row != rows.rows.end())
      f.shown.push_back({std::move(*row), state, {}, 0});
    else if (std::none_of(f.unreadable.begin(), f.unreadable.end(),
                          [&](const auto& u) { return u.first == uid; }))
      f.unreadable.emplace_back(uid, Error{Errc::not_found,
                                           "there is no message with this UID",
                                           "message UID " + std::to_string(uid),
                                           {},
                                           "It may have been moved or deleted"});
  }
  co_return f;
}

net::Task<void> fill(imap::Client& client, const host::Services& services, const Wanted& w, Shown& s,
                     std::vector<aoh::Json>& raw) {
  if (!w.raw && w.format != mime::Format::summary) {
    s.message = co_await read::fetch_text(client, s.head, w.limits);
    if (w.fold_quotes) fold(s);
    co_return;
  }
  s.message = co_await read::fetch_summary(client, s.head);
  if (!w.raw) co_return;
  if (s.head.size.value_or(0) > kMostRaw)
    throw Failure(
        Errc::limit,
        "the message has " + std::to_string(*s.head.size) + " bytes, more than " + std::to_string(kMostRaw),
        "message UID " + std::to_string(s.head.uid),
        "Use format text, or email_attachment for one of its files");
  // The size was a server's word; what it sends is held to it with some room.
  const read::ToBlob to{services, w.call_id, kMostRaw + (64u << 10)};
  const read::Stored stored = co_await read::message_to_blob(client, s.head.uid, to);
  raw.push_back(stored.blob);
}

net::Task<Fetched> fetch(imap::Client& client, const host::Services& services, Wanted w) {
  Fetched f = co_await find(client, w);
  const bool one = w.uids.empty();
  for (auto it = f.shown.begin(); it != f.shown.end();) {
    Error error;
    try {
      co_await fill(client, services, w, *it, f.raw);
    } catch (const Failure& e) {
      // A limit of ours, found before anything was asked, leaves the session as it was.
      if (one || (is_fatal(e.error.code) && e.error.code != Errc::limit)) throw;
      error = e.error;
    }
    if (error) f.unreadable.emplace_back(it->head.uid, error);
    it = error ? f.shown.erase(it) : it + 1;
  }
  if (!w.mark_seen || f.shown.empty()) co_return f;
  mailbox::Place place;
  place.mailbox = f.shown.front().mailbox.name;
  place.uid_validity = f.shown.front().mailbox.uid_validity;
  co_await mailbox::open_at(client, place, false);
  std::vector<imap::Uid> uids;
  for (Shown& s : f.shown) uids.push_back(s.head.uid);
  const imap::UidSet set = imap::UidSet::of(uids);
  const std::vector<std::string> seen{"\\Seen"};
  co_await client.uid_store(set, imap::StoreMode::add, seen);
  for (Shown& s : f.shown)
    if (s.head.flags &&
        std::find(s.head.flags->begin(), s.head.flags->end(), "\\Seen") == s.head.flags->end())
      s.head.flags->push_back("\\Seen");
  co_return f;
}

Wanted wanted_of(const aoh::Json& args, const aoh::Call& call, std::size_t offset) {
  Wanted w;
  for (const aoh::Json& u : args["uids"].items()) {
    const auto uid = static_cast<imap::Uid>(std::clamp<std::int64_t>(u.integer(), 0, UINT32_MAX));
    if (uid != 0 && std::find(w.uids.begin(), w.uids.end(), uid) == w.uids.end()) w.uids.push_back(uid);
  }
  if (!w.uids.empty() && (args.has("uid") || args.has("message_id")))
    throw Failure(Errc::invalid, "uids goes with neither uid nor message_id", "uids",
                  "Name the messages in one way");
  if (w.uids.size() > kMost)
    throw Failure(Errc::limit, "more than " + std::to_string(kMost) + " messages at once", "uids",
                  "Fetch them in several calls");
  if (w.uids.empty()) {
    w.which = which_message(args);
  } else {
    w.which.mailbox = args["mailbox"].str_or("INBOX");
    w.which.uid_validity = static_cast<std::uint32_t>(args["uid_validity"].integer());
  }
  w.raw = args["format"].str() == "raw";
  w.format = w.raw ? mime::Format::summary : format_of(args, mime::Format::text);
  w.mark_seen = args["mark_seen"].boolean();
  w.fold_quotes = args["fold_quotes"].boolean();
  w.call_id = call.id();
  // Enough that the window asked for is in it, whatever the encoding (quoted-printable: three bytes for one).
  const std::uint64_t wanted = 3 * (std::uint64_t{offset} + text_share(1));
  w.limits.text_part =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wanted, w.limits.text_part, kMostText));
  w.limits.all_text = std::max(w.limits.all_text, w.limits.text_part);
  return w;
}

/// The blob as the answer has it; a small one with its text.
aoh::Json raw_json(const host::Services& services, const aoh::Call& call, aoh::Json blob) {
  blob.set("blob", blob["id"]);
  blob.erase("id");
  if (blob["size"].integer() > static_cast<std::int64_t>(kInline)) return blob;
  std::string text = services.blob(blob["blob"].str(), call.id(), kInline);
  if (aoh::valid_utf8(text) == text) blob.set("text", std::move(text));
  return blob;
}

}  // namespace

aoh::Result email_fetch(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    need_plain_words(args);
    const host::Services& services = box.runtime.services();
    const std::string credential = credential_of(args, call);
    if (args["mark_seen"].boolean()) need_grant(call, credential, "manage", "mark messages as read");
    const host::Account account = services.account(credential);
    mime::RenderOptions options;
    options.headers = args["headers"].boolean();
    options.text_offset = static_cast<std::size_t>(std::max<std::int64_t>(0, args["text_offset"].integer()));
    const Wanted w = wanted_of(args, call, options.text_offset);
    options.format = w.format;
    const Fetched f = imap_call<Fetched>(
        box, call, account,
        [&services, w](imap::Client& client) -> net::Task<Fetched> { return fetch(client, services, w); });
    options.max_text_bytes =
        text_share(f.shown.size()) / (w.format == mime::Format::full && f.shown.size() > 1 ? 2 : 1);
    const std::string nonce = random_token();
    std::string text, notice;
    aoh::Json messages = aoh::Json::array();
    for (std::size_t i = 0; i < f.shown.size(); ++i) {
      aoh::Json j = shown_json(f.shown[i], options);
      text += shown_text(f.shown[i], nonce, options);
      notice += read_on(j);
      if (i < f.raw.size()) {
        j.set("raw", raw_json(services, call, f.raw[i]));
        text += "\nThe raw message is blob " + j["raw"]["blob"].str() + ".\n";
        if (j["raw"].has("text")) text += mime::fence(j["raw"]["text"].str(), "raw", nonce);
      }
      messages.push(std::move(j));
    }
    aoh::Json structured = aoh::Json::object();
    if (w.uids.empty()) {
      aoh::Json message = messages.at(0);
      if (message.has("raw")) structured.set("raw", message["raw"]);
      message.erase("raw");
      structured.set("message", std::move(message));
    } else {
      structured.set("messages", std::move(messages));
      if (!f.unreadable.empty()) structured.set("unreadable", unreadable_json(f.unreadable));
      text += unreadable_lines(f.unreadable);
      if (f.shown.empty()) return error_result(f.unreadable.front().second, structured);
    }
    if (f.same_id > 1)
      notice += std::to_string(f.same_id) +
                " messages carry this Message-ID; this is the newest. Name another by its uid.";
    while (notice.ends_with(' ')) notice.pop_back();
    if (!notice.empty()) {
      structured.set("notice", notice);
      text += "\n" + notice;
    }
    return mail_result(std::move(structured), std::move(text), "email_fetch");
  });
}

}  // namespace mailroom::tools
