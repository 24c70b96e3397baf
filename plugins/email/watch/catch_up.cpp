// From the cursor to the mailbox's end: what came, who wants it, hand it over.
#include <algorithm>

#include "mime/parse.hpp"
#include "policy/auth_results.hpp"
#include "read/reader.hpp"
#include "watch/batch.hpp"
#include "watch/event.hpp"
#include "watch/rule_events.hpp"

namespace mailroom::watch {
namespace {

constexpr unsigned kPoisonAttempts = 3;           // breaks of the session at one message before it is parked
constexpr std::size_t kGroupBytes = 4u << 20;     // of texts fetched together
constexpr std::size_t kHandOverBytes = 4u << 20;  // of payloads handed over together
constexpr std::size_t kFillPiece = 64;
constexpr read::TextLimits kTexts{256u << 10, 512u << 10, 200};

bool seen(const imap::MessageRow& row) {
  return row.flags && std::find(row.flags->begin(), row.flags->end(), "\\Seen") != row.flags->end();
}

bool has_header(const std::optional<imap::MessageRow>& head) {
  const imap::Section* header = head ? head->section("HEADER") : nullptr;
  return header && !header->nil;
}

aoh::Json decision(const std::string& key, const std::string& blueprint, const char* what,
                   const std::string& why) {
  aoh::Json j{{"key", key}, {"blueprint", blueprint}, {"decision", what}};
  return j.set_if(!why.empty(), "why", why);
}

}  // namespace

// Opens the mailbox and settles where to begin. True: the server has shown that nothing lies above the
// cursor.
net::Task<bool> Watcher::begin() {
  imap::MailboxState mailbox;
  const bool unchanged = co_await open(mailbox);
  contact();
  const auto& blueprints = source_->blueprints;
  switch (begin_with(cursor_, mailbox.uid_validity)) {
    case Begin::first: {
      imap::Uid mark = mailbox.uid_next.value_or(1) - 1;
      if (mailbox.exists > 0) {
        // UIDNEXT may be missing or stale: the last message says it for sure.
        imap::Criteria last;
        last.uid(imap::UidSet::from(UINT32_MAX));
        for (const imap::Uid uid : co_await client_->uid_search(last)) mark = std::max(mark, uid);
      }
      const bool only_new = std::all_of(blueprints.begin(), blueprints.end(), [](const Blueprint& b) {
        return b.start.kind == StartFrom::Kind::now;
      });
      Cursor c;
      c.uid_validity = mailbox.uid_validity;
      c.start_uid = mark;
      c.last_uid = only_new ? mark : 0;
      c.filled = !only_new || mark == 0 || mailbox.exists == 0;
      c.start_s = runtime_.services().clock.wall_ns() / 1'000'000'000;
      co_await hand_over({}, aoh::Json::array(), std::move(c));
      break;
    }
    case Begin::go_on:
      break;
    case Begin::resync:
      runtime_.services().log.warn(
          "watching " + credential_id_ + " " + printable(mailbox_, 200) +
          ": the server numbers the mailbox anew (UIDVALIDITY changed); comparing messages");
      cursor_ = renumbered(*cursor_, mailbox.uid_validity);
      break;
  }
  if (!cursor_->filled) co_await fill();
  co_return unchanged;
}

// Takes the digests of the mail that was there at the start, so that it is recognised should the server
// number anew.
net::Task<void> Watcher::fill() {
  if (fill_times_++ >= kPoisonAttempts) {
    // Some message there cannot be fetched. Should the server number anew, what is older than the watcher
    // counts as known without being looked at.
    runtime_.services().log.warn("watching " + credential_id_ + " " + printable(mailbox_, 200) +
                                 ": the messages from before the start cannot be read; they are known by "
                                 "their date only");
    Cursor next = *cursor_;
    next.known = {};
    next.known.raise_horizon(next.start_s);
    next.filled = true;
    co_await hand_over({}, aoh::Json::array(), std::move(next));
    co_return;
  }
  std::vector<imap::Uid> uids;
  {
    imap::Criteria all;
    all.uid(imap::UidSet::range(1, cursor_->start_uid));
    uids = co_await client_->uid_search(all);
    std::erase_if(uids, [&](imap::Uid u) { return u > cursor_->start_uid; });
  }
  const bool everything = uids.size() <= Known::kMost;
  if (!everything) uids.erase(uids.begin(), uids.end() - Known::kMost);
  Cursor next = *cursor_;
  next.known = {};
  std::optional<std::int64_t> oldest;
  imap::FetchItems items;
  items.flags = items.object_ids = false;
  items.size = items.internal_date = true;
  items.sections = {{"HEADER", 256u << 10, 0}};
  for (std::size_t at = 0; at < uids.size() && !stopping_; at += kFillPiece) {
    const auto piece = std::span(uids).subspan(at, std::min(kFillPiece, uids.size() - at));
    const imap::OnRow on_row = [&](imap::MessageRow&& row) {
      if (!oldest) oldest = row.internal_date_s.value_or(0);
      next.known.add(digest_of(row), row.internal_date_s.value_or(0), row.uid);
    };
    const imap::UidSet set = imap::UidSet::of(piece);
    co_await client_->uid_fetch(set, items, on_row);
  }
  if (stopping_) co_return;
  if (!everything && oldest) next.known.raise_horizon(*oldest);
  next.filled = true;
  co_await hand_over({}, aoh::Json::array(), std::move(next));
}

// True when there was something above the cursor.
net::Task<bool> Watcher::catch_up() {
  std::vector<imap::Uid> uids;
  {
    imap::Criteria above;
    if (cursor_->last_uid == UINT32_MAX) co_return false;
    above.uid(imap::UidSet::from(cursor_->last_uid + 1));
    uids = co_await client_->uid_search(above);
  }
  // "n:*" names the last message even where it is below n (RFC 3501 §6.4.8); some servers ignore criteria.
  std::erase_if(uids, [&](imap::Uid u) { return u <= cursor_->last_uid; });
  std::sort(uids.begin(), uids.end());
  if (uids.empty()) {
    if (cursor_->before) {  // the re-sync is complete
      Cursor next = *cursor_;
      next.before.reset();
      co_await hand_over({}, aoh::Json::array(), std::move(next));
    }
    co_return false;
  }
  const std::size_t most = runtime_.config().batch_messages;
  say(uids.size() > most ? "catching_up" : "fetching");
  for (std::size_t at = 0; at < uids.size() && !stopping_;) {
    const std::size_t n = uids[at] <= careful_until_ ? 1 : std::min(most, uids.size() - at);
    co_await process(
        {uids.begin() + static_cast<std::ptrdiff_t>(at), uids.begin() + static_cast<std::ptrdiff_t>(at + n)},
        at + n == uids.size());
    at += n;
  }
  co_return true;
}

net::Task<void> Watcher::fetch_heads(Batch& batch) {
  const imap::FetchItems items = read::head_items(*client_);
  std::vector<imap::Uid> uids;
  for (const auto& item : batch.items)
    if (item.parked.empty()) uids.push_back(item.uid);
  const imap::OnRow on_row = [&](imap::MessageRow&& row) {
    for (auto& item : batch.items)
      if (item.uid == row.uid) {
        item.head = std::move(row);
        return;
      }
  };
  if (uids.empty()) co_return;
  try {
    const imap::UidSet set = imap::UidSet::of(uids);
    co_await client_->uid_fetch(set, items, on_row);
  } catch (const Failure& f) {
    if (is_the_sessions(f)) throw;
  }
  // Some servers answer NO for all because of one, or leave out a row that is there; and a row that cannot be
  // read may be one without BODYSTRUCTURE, of which the message's sender is half the author.
  imap::FetchItems simple = items;
  simple.structure = false;
  for (auto& item : batch.items) {
    if (!item.parked.empty() || has_header(item.head)) continue;
    std::string why;
    for (const bool whole : {true, false}) {
      if (item.head && whole) continue;
      try {
        std::optional<imap::MessageRow> row =
            co_await read::fetch_one(*client_, item.uid, whole ? items : simple);
        if (!row && why.empty()) {  // expunged
          item.head.reset();
          break;
        }
        if (row) item.head = std::move(row);
        if (has_header(item.head)) break;
        if (item.head)
          why = "the server gives no header" + (item.head->error ? ": " + item.head->error.line() : "");
      } catch (const Failure& f) {
        if (is_the_sessions(f)) throw;
        why = "the server does not give the message: " + f.error.line();
      }
    }
    if (!has_header(item.head)) item.parked = why;
  }
}

net::Task<void> Watcher::fetch_texts(Batch& batch) {
  // Small messages of one part travel together.
  std::vector<Batch::Item*> group, alone;
  std::size_t bytes = 0;
  for (auto& item : batch.items) {
    const bool asked = !item.wanted_by.empty() || item.needs_parts || item.needs_text;
    if (!asked || !item.head || !item.parked.empty()) continue;
    const read::PartPlan plan = read::plan_text(*item.head, kTexts);
    const std::size_t size = item.head->size.value_or(kGroupBytes);
    if (plan.plain && !plan.cut && bytes + size <= kGroupBytes) {
      bytes += size;
      group.push_back(&item);
    } else {
      alone.push_back(&item);
    }
  }
  if (!group.empty()) {
    std::vector<imap::Uid> uids;
    for (const auto* item : group) uids.push_back(item->uid);
    imap::FetchItems items;
    items.flags = items.object_ids = false;
    items.sections = {{"TEXT", std::nullopt, 0}};
    const imap::OnRow on_row = [&](imap::MessageRow&& row) {
      for (auto* item : group)
        if (item->uid == row.uid && row.section("TEXT") && !row.section("TEXT")->nil)
          item->message = read::assemble(*item->head, {true, false, {}}, row);
    };
    try {
      const imap::UidSet set = imap::UidSet::of(uids);
      co_await client_->uid_fetch(set, items, on_row);
    } catch (const Failure& f) {
      if (is_the_sessions(f)) throw;
    }
    for (auto* item : group)
      if (!item->message) alone.push_back(item);
  }
  for (auto* item : alone) {
    try {
      item->message = co_await read::fetch_text(*client_, *item->head, kTexts);
    } catch (const Failure& f) {
      if (is_the_sessions(f)) throw;
      if (f.error.code == Errc::not_found)
        item->gone = true;
      else
        item->parked = "the message's text cannot be fetched: " + f.error.line();
    }
  }
}

// `last`: nothing was above them as they were searched for.
net::Task<void> Watcher::process(std::vector<imap::Uid> uids, bool last) {
  Batch batch;
  batch.source = source_;
  for (const imap::Uid uid : uids) {
    Batch::Item item;
    item.uid = uid;
    if (uid == suspect_ && suspect_times_ >= kPoisonAttempts)
      item.parked = "fetching it failed " + std::to_string(suspect_times_) + " times: " + suspect_why_;
    batch.items.push_back(std::move(item));
  }
  work_first_ = uids.front();
  work_last_ = uids.back();
  co_await fetch_heads(batch);

  Cursor next = *cursor_;
  const Source& source = *batch.source;
  for (auto& item : batch.items) {
    item.ignored_why.resize(source.blueprints.size());
    if (!item.head || !item.parked.empty()) continue;
    const imap::Section* header = item.head->section("HEADER");
    item.digest = digest_of(*item.head);
    const std::int64_t date = item.head->internal_date_s.value_or(0);
    const bool old = dealt_with_before(next, item.digest, date);
    item.header = mime::parse_headers(header->bytes);
    item.report = !old && item.header->mime_type == "multipart/report";
    for (std::size_t b = 0; b < source.blueprints.size(); ++b) {
      const Blueprint& blueprint = source.blueprints[b];
      if (old) {
        item.ignored_why[b] = "dealt with before the server numbered the mailbox anew";
        continue;
      }
      if (item.uid <= next.start_uid && !blueprint.start.admits(seen(*item.head), item.head->internal_date_s))
        continue;
      item.undecided.push_back(b);
    }
  }
  co_await know_again(batch, next);
  co_await take_reports(batch);
  co_await decide(batch);

  std::vector<aoh::Event> events;
  aoh::Json decisions = aoh::Json::array();
  std::size_t bytes = 0;
  for (auto& item : batch.items) {
    imap::MessageRow named;
    named.uid = item.uid;
    const std::string key = dedupe_key(source, next.uid_validity, item.head ? *item.head : named);
    const bool there = item.head && !item.gone && item.parked.empty();
    const std::int64_t now_ns = runtime_.services().clock.wall_ns();
    const std::int64_t occurred =
        item.head && item.head->internal_date_s ? *item.head->internal_date_s * 1'000'000'000 : now_ns;
    if (there) {
      aoh::Json told;
      auto reply = answer_event(source, next.uid_validity, item, key, own_, now_ns / 1'000'000'000, told);
      auto change = change_event(source, next.uid_validity, item, key);
      if (!told.is_null()) decisions.push(std::move(told));
      if (change) decisions.push(decision(change->dedupe_key, "", "action", change->payload["rule"].str()));
      for (auto* action : {&reply, &change}) {  // in this order: a change may take the message away
        if (!*action) continue;
        (*action)->occurred_unix_ns = occurred;
        events.push_back(std::move(**action));
      }
    }
    for (std::size_t b = 0; b < source.blueprints.size(); ++b) {
      const std::string& id = source.blueprints[b].id;
      const bool wanted = std::find(item.wanted_by.begin(), item.wanted_by.end(), b) != item.wanted_by.end();
      if (!item.parked.empty()) {
        decisions.push(decision(key, id, "parked", item.parked));
      } else if (!item.head || item.gone) {
        decisions.push(decision(key, id, "skipped", "gone before it could be read"));
      } else if (!item.ignored_why[b].empty()) {
        decisions.push(decision(key, id, "ignored", item.ignored_why[b]));
      } else if (wanted && item.message) {
        aoh::Event event;
        event.occurred_unix_ns = occurred;
        event.type = "email.received";
        event.blueprint = id;
        event.dedupe_key = key;
        event.payload = payload_of(source, next.uid_validity, *item.message, *item.head);
        if (const policy::AuthVerdict verdict = policy::auth_verdict(*item.message, trusted_);
            !verdict.by.empty())
          event.payload.slot("email").set("authentication", verdict.json());
        bytes += 64 * 1024 + item.message->text.value_or("").size();
        events.push_back(std::move(event));
        const auto rule = item.started_by.find(b);
        const policy::Orders::Start* start =
            rule == item.started_by.end() ? nullptr : &item.orders.starts[rule->second];
        decisions.push(with_terms(decision(key, id, "matched", start ? rule_named(start->rule) : ""), item,
                                  start ? start->terms : item.orders.terms, key));
      }
    }
    if (!item.digest.empty()) next.known.add(item.digest, item.head->internal_date_s.value_or(0), item.uid);
    next.last_uid = item.uid;
    item.head.reset();
    item.header.reset();
    item.message.reset();
    item.summary.reset();
    if (bytes > kHandOverBytes || events.size() + source.blueprints.size() + kActions > AOH_MAX_EVENTS) {
      const imap::Uid first = std::exchange(work_first_, 0);  // what the host does is no message's fault
      if (events.size() > AOH_MAX_EVENTS) {  // all blueprints there can be: the actions go before the cursor
        std::vector<aoh::Event> actions(events.begin(), events.begin() + kActions);
        events.erase(events.begin(), events.begin() + kActions);
        Cursor same = *cursor_;
        co_await hand_over(std::move(actions), decisions, std::move(same));
      }
      co_await hand_over(std::exchange(events, {}), std::exchange(decisions, aoh::Json::array()), next);
      work_first_ = first;
      bytes = 0;
    }
  }
  work_first_ = work_last_ = 0;
  if (last) next.modseq = modseq_;  // what comes above is younger than the mailbox was when it was opened
  co_await hand_over(std::move(events), std::move(decisions), std::move(next));
  contact();
  const std::lock_guard lock(mutex_);
  health_.parked += static_cast<std::uint64_t>(
      std::count_if(batch.items.begin(), batch.items.end(), [](const auto& i) { return !i.parked.empty(); }));
}

}  // namespace mailroom::watch
