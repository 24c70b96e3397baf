#include "mailbox/earlier.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "mailbox/likeness.hpp"

namespace mailroom::mailbox {
namespace {

using Uids = std::vector<imap::Uid>;

constexpr std::size_t kMostLooked = 1'000;       // messages of the other mailbox, newest first
constexpr std::uint64_t kMostRead = 256u << 20;  // bytes compared, of ours and theirs together
constexpr std::int64_t kDay_s = 86'400;

/// One message's bytes as they come by.
class Digest final : public imap::SectionSink {
 public:
  Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {}
  bool begin(const imap::SectionStart& s) override {
    if (!s.name.empty() || s.origin) return false;
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
    return true;
  }
  void bytes(std::string_view piece) override {
    EVP_DigestUpdate(context_.get(), piece.data(), piece.size());
  }
  std::string of(const imap::Section& s) {
    if (!s.streamed) {  // a server may send small ones as a quoted string
      EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
      bytes(s.bytes);
    }
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size);
    out.resize(size);
    return out;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

net::Task<std::map<imap::Uid, std::string>> digests(imap::Client& client, Uids uids) {
  std::map<imap::Uid, std::string> found;
  Digest digest;
  std::vector<imap::FetchRequest> requests(1);
  requests[0].set = imap::UidSet::of(uids);
  requests[0].items.flags = requests[0].items.object_ids = false;
  requests[0].items.sections.push_back({"", std::nullopt, 0});
  const imap::OnRow on_row = [&](imap::MessageRow&& row) {
    const imap::Section* whole = row.error ? nullptr : row.section("");
    if (whole && !whole->nil) found[row.uid] = digest.of(*whole);
  };
  co_await client.uid_fetch(std::move(requests), on_row, &digest);
  co_return found;
}

imap::Day day_of(std::int64_t seconds) {
  const std::chrono::year_month_day d{
      std::chrono::sys_days{std::chrono::days{seconds / kDay_s - (seconds % kDay_s < 0)}}};
  return {static_cast<int>(d.year()), static_cast<int>(static_cast<unsigned>(d.month())),
          static_cast<int>(static_cast<unsigned>(d.day()))};
}

/// What the sizes and days of `ours` leave of the selected mailbox; each bound is wide by what time zones and
/// servers make of it, for a server that gives more or all is as good.
imap::Criteria around(const Likenesses& ours) {
  std::uint64_t small = UINT32_MAX, large = 0;
  std::int64_t first = INT64_MAX, last = 0;
  for (const auto& [likeness, uid] : ours) {
    small = std::min(small, likeness.size);
    large = std::max(large, likeness.size);
    first = std::min(first, likeness.arrived_s);
    last = std::max(last, likeness.arrived_s);
  }
  imap::Criteria criteria;
  criteria.since(day_of(first - kDay_s)).before(day_of(last + 2 * kDay_s));
  if (small > 0 && large < UINT32_MAX)
    criteria.larger(static_cast<std::uint32_t>(small - 1)).smaller(static_cast<std::uint32_t>(large + 1));
  return criteria;
}

net::Task<Likenesses> alike(imap::Client& client, const Likenesses& ours) {
  const imap::Criteria criteria = around(ours);
  Uids newest = co_await client.uid_search(criteria);
  if (newest.empty()) co_return Likenesses{};
  if (newest.size() > kMostLooked)
    newest.erase(newest.begin(), newest.end() - static_cast<std::ptrdiff_t>(kMostLooked));
  const imap::UidSet set = imap::UidSet::of(newest);
  const LookFor what{.arrival = true, .message_id = true, .lasting = true};
  co_return co_await likenesses(client, set, what);
}

}  // namespace

net::Task<Copies> earlier_copies(imap::Client& client, Place from, Uids uids, std::string to) {
  Copies out;
  const imap::UidSet here = imap::UidSet::of(uids);
  const LookFor what{.arrival = true, .message_id = true};
  const Likenesses ours = co_await likenesses(client, here, what);
  if (ours.empty()) co_return out;
  try {
    const imap::MailboxState other = co_await client.select(to, true);
    Likenesses theirs;
    if (other.exists > 0) theirs = co_await alike(client, ours);
    const auto found = pairs(ours, std::move(theirs), kMostRead);
    Uids mine, others;
    for (const auto& [our, their] : found) {
      mine.push_back(our);
      others.push_back(their);
    }
    std::map<imap::Uid, std::string> there, ourselves;
    if (!found.empty()) there = co_await digests(client, others);
    co_await open_at(client, from, false);
    if (!there.empty()) ourselves = co_await digests(client, mine);
    for (const auto& [our, their] : found)
      if (ourselves.contains(our) && there.contains(their) && ourselves[our] == there[their])
        out.uids[our] = their;
    out.uid_validity = other.uid_validity;
    co_return out;
  } catch (const Failure& f) {
    if (is_fatal(f.error.code) || f.error.code == Errc::not_found || f.error.code == Errc::state) throw;
  }
  // It cannot be looked into: what is copied may lie there twice, which loses nothing.
  co_await open_at(client, from, false);
  co_return Copies{};
}

}  // namespace mailroom::mailbox
