// Who wants a message: the rules say first, then each blueprint's match. Asked of its header first, of its
// parts and its text only where that does not tell.
#include <algorithm>

#include "read/reader.hpp"
#include "watch/batch.hpp"
#include "watch/rule_events.hpp"

namespace mailroom::watch {
namespace {

// What the rules say of those blueprints that nothing is settled for yet.
void obey(const Source& source, Watcher::Batch::Item& item) {
  for (std::size_t i = 0; i < item.orders.starts.size(); ++i) {
    const auto it = std::find_if(item.undecided.begin(), item.undecided.end(), [&](std::size_t b) {
      return source.blueprints[b].id == item.orders.starts[i].blueprint;
    });
    if (it == item.undecided.end()) continue;
    item.wanted_by.push_back(*it);
    item.started_by[*it] = i;
    item.undecided.erase(it);
  }
  if (item.orders.ended_by.empty()) return;
  for (const std::size_t b : item.undecided)
    item.ignored_why[b] = rule_named(item.orders.ended_by) + (item.orders.quarantined ? ": quarantine" : "");
  item.undecided.clear();
}

}  // namespace

// Puts the open questions to what is known of each message by now.
void Watcher::ask(Batch& batch) {
  for (auto& item : batch.items) {
    item.needs_parts = item.needs_text = false;
    if (item.undecided.empty() || !item.header || item.gone || !item.parked.empty()) continue;
    policy::Facts facts;
    facts.message = item.message ? &*item.message : item.summary ? &*item.summary : &*item.header;
    facts.text = item.message.has_value();
    facts.parts = facts.text || item.summary.has_value();
    facts.folder = batch.source->mailbox;
    facts.flags = item.head->flags ? &*item.head->flags : nullptr;
    facts.size = item.head->size;
    facts.arrived_s = item.head->internal_date_s;
    facts.now_s = runtime_.services().clock.wall_ns() / 1'000'000'000;
    facts.trusted = trusted_;
    if (!item.ruled) {
      const policy::Rules::Decision d = batch.source->rules->rules.decide(facts, credential_id_);
      item.needs_parts = d.needs_parts;
      item.needs_text = d.needs_text;
      if (d.open) continue;
      item.ruled = true;
      item.orders = policy::orders_of(batch.source->rules->rules, d.hits);
      obey(*batch.source, item);
    }
    std::erase_if(item.undecided, [&](std::size_t b) {
      const policy::Outcome o = batch.source->blueprints[b].match.test(facts);
      if (o.truth == policy::Truth::yes) item.wanted_by.push_back(b);
      if (o.truth == policy::Truth::no) item.ignored_why[b] = std::string(o.why) + " does not match";
      item.needs_parts = item.needs_parts || o.needs_parts;
      item.needs_text = item.needs_text || o.needs_text;
      return o.truth != policy::Truth::unknown;
    });
  }
}

net::Task<void> Watcher::decide(Batch& batch) {
  ask(batch);
  for (auto& item : batch.items) {
    // The text, where it is fetched anyway, brings the parts along.
    if (!item.needs_parts || item.needs_text || !item.wanted_by.empty()) continue;
    try {
      item.summary = co_await read::fetch_summary(*client_, *item.head);
    } catch (const Failure& f) {
      if (is_the_sessions(f)) throw;
      item.parked = "the message's parts cannot be fetched: " + f.error.line();
    }
  }
  ask(batch);
  co_await fetch_texts(batch);
  ask(batch);
}

}  // namespace mailroom::watch
