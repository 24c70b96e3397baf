#include "read/texts.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include "read/reader.hpp"

namespace mailroom::read {
namespace {

constexpr std::size_t kBreath = 12u << 10;  // bytes of commands that go out together
constexpr std::size_t kMostGroups = 50;     // commands that go out together
constexpr std::uint32_t kStep = 64u << 10;  // limits of parts are rounded up, so that messages share them

struct Head {
  imap::MessageRow row;
  PartPlan plan;
};
using Heads = std::map<imap::Uid, Head>;

std::size_t parts_of(const imap::BodyPart& p) {
  std::size_t n = 1;
  for (const imap::BodyPart& child : p.parts) n += parts_of(child);
  return n;
}

/// What a head takes, about.
std::size_t cost(const imap::MessageRow& row) {
  std::size_t n = 1024;
  for (const imap::Section& s : row.sections) n += s.bytes.size();
  return n + (row.structure ? parts_of(*row.structure) * 512 : 0);
}

std::optional<std::uint32_t> rounded(const std::optional<std::uint32_t>& limit) {
  if (!limit) return limit;
  std::uint32_t n = kStep;
  while (n < *limit && n < (1u << 30)) n *= 2;
  return n;
}

/// Messages of which the same parts are wanted.
struct Group {
  std::vector<imap::FetchItems::Want> wants;
  std::vector<imap::Uid> uids;
};

std::vector<Group> grouped(const Heads& heads) {
  std::map<std::string, Group> by_key;
  for (const auto& [uid, head] : heads) {
    std::string key;
    std::vector<imap::FetchItems::Want> wants = head.plan.wants;
    for (imap::FetchItems::Want& w : wants) {
      w.limit = rounded(w.limit);
      key += w.name + "<" + (w.limit ? std::to_string(*w.limit) : "") + ">";
    }
    Group& g = by_key[key];
    g.wants = std::move(wants);
    g.uids.push_back(uid);
  }
  std::vector<Group> out;
  for (auto& [key, group] : by_key) out.push_back(std::move(group));
  return out;
}

std::size_t length(const imap::FetchRequest& r) {
  std::size_t n = r.set.text().size() + 64;
  for (const imap::FetchItems::Want& w : r.items.sections) n += w.name.size() + 32;
  return n;
}

class Texts {
 public:
  Texts(imap::Client& client, std::vector<imap::Uid> uids, OnText on_text, TextsOptions options)
      : client_(client),
        queue_(uids.begin(), uids.end()),
        on_text_(std::move(on_text)),
        options_(std::move(options)) {}

  net::Task<TextsSummary> run() {
    do {
      next_heads();
      co_await fetch();
      std::swap(ready_, coming_);  // those that got no text are gone
      coming_.clear();
      held_ = 0;
      queue_.insert(queue_.begin(), later_.begin(), later_.end());
      later_.clear();
    } while (!queue_.empty() || !ready_.empty());
    co_return std::move(summary_);
  }

 private:
  void next_heads() {
    asked_.clear();
    while (!queue_.empty() && asked_.size() < options_.window) {
      asked_.push_back(queue_.front());
      queue_.pop_front();
    }
    std::sort(asked_.begin(), asked_.end());
  }

  /// The texts of what is ready, and the heads of what is asked for.
  net::Task<void> fetch() {
    std::vector<imap::FetchRequest> requests;
    std::size_t bytes = 0;
    if (!asked_.empty()) {
      imap::FetchRequest heads{imap::UidSet::of(asked_), head_items(client_)};
      bytes = length(heads);
      requests.push_back(std::move(heads));
    }
    for (Group& group : grouped(ready_)) {
      imap::FetchRequest r;
      r.set = imap::UidSet::of(group.uids);
      r.items.flags = r.items.object_ids = false;
      r.items.sections = std::move(group.wants);
      const std::size_t more = length(r);
      if (!requests.empty() && (bytes + more > kBreath || requests.size() >= kMostGroups)) {
        co_await send(std::move(requests));
        requests.clear();
        bytes = 0;
      }
      bytes += more;
      requests.push_back(std::move(r));
    }
    if (!requests.empty()) co_await send(std::move(requests));
  }

  net::Task<void> send(std::vector<imap::FetchRequest> requests) {
    const imap::OnRow on_row = [this](imap::MessageRow&& row) { take(std::move(row)); };
    ++summary_.round_trips;
    co_await client_.uid_fetch(std::move(requests), on_row);
  }

  void take(imap::MessageRow&& row) {
    for (const imap::Section& s : row.sections) summary_.bytes += s.size;
    if (row.section("HEADER")) {
      if (std::binary_search(asked_.begin(), asked_.end(), row.uid)) head(std::move(row));
      return;
    }
    const auto it = ready_.find(row.uid);
    if (it != ready_.end()) {
      const bool readable = std::all_of(
          it->second.plan.wants.begin(), it->second.plan.wants.end(),
          [&](const imap::FetchItems::Want& w) { return !row.error || row.section(w.name) != nullptr; });
      if (readable)
        give(it->second, row);
      else
        summary_.unread.push_back(row.uid);
      ready_.erase(it);
    } else if (row.error) {
      summary_.unread.push_back(row.uid);
    }
  }

  void head(imap::MessageRow&& row) {
    const std::size_t more = cost(row);
    if (held_ + more > options_.held && !coming_.empty()) {
      later_.push_back(row.uid);
      return;
    }
    Head h;
    h.plan = plan_text(row, options_.limits);
    h.row = std::move(row);
    if (h.plan.wants.empty()) return give(h, {});
    held_ += more;
    const imap::Uid uid = h.row.uid;
    coming_.insert_or_assign(uid, std::move(h));
  }

  void give(const Head& h, const imap::MessageRow& parts) {
    ++summary_.messages;
    on_text_(assemble(h.row, h.plan, parts), h.row);
  }

  imap::Client& client_;
  std::deque<imap::Uid> queue_;   // whose heads are still to be asked for
  std::vector<imap::Uid> asked_;  // whose heads are being asked for, ascending
  std::vector<imap::Uid> later_;  // whose heads came and could not be held
  Heads coming_;                  // whose heads have come
  Heads ready_;                   // whose texts are being asked for
  std::size_t held_ = 0;          // what coming_ takes, about
  const OnText on_text_;
  const TextsOptions options_;
  TextsSummary summary_;
};

}  // namespace

net::Task<TextsSummary> fetch_texts(imap::Client& client, std::vector<imap::Uid> uids, OnText on_text,
                                    TextsOptions options) {
  constexpr std::size_t kMany = 100;
  if (options.compress && uids.size() >= kMany && !client.is_local()) co_await client.compress();
  Texts texts(client, std::move(uids), std::move(on_text), std::move(options));
  co_return co_await texts.run();
}

}  // namespace mailroom::read
