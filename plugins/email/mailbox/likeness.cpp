#include "mailbox/likeness.hpp"

#include <algorithm>

#include "mime/parse.hpp"

namespace mailroom::mailbox {
namespace {

constexpr std::uint32_t kHeaderBytes = 16u << 10;  // of the fields that tell a message

bool deleted(const imap::MessageRow& row) {
  return row.flags && std::find(row.flags->begin(), row.flags->end(), "\\Deleted") != row.flags->end();
}

}  // namespace

net::Task<Likenesses> likenesses(imap::Client& client, imap::UidSet set, LookFor what) {
  Likenesses found;
  imap::FetchItems items;
  items.object_ids = false;
  items.flags = what.lasting;
  items.size = true;
  items.internal_date = what.arrival;
  items.sections = {{"HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)", kHeaderBytes, 0}};
  const imap::OnRow on_row = [&](imap::MessageRow&& row) {
    if (row.error || !row.size || row.sections.empty()) return;
    if (what.arrival && !row.internal_date_s) return;
    if (what.lasting && deleted(row)) return;
    std::string& fields = row.sections.front().bytes;
    if (what.message_id && !mime::parse_headers(fields).message_id) return;
    found.emplace(Likeness{*row.size, what.arrival ? *row.internal_date_s : 0, std::move(fields)}, row.uid);
  };
  co_await client.uid_fetch(set, items, on_row);
  co_return found;
}

std::vector<std::pair<imap::Uid, imap::Uid>> pairs(const Likenesses& ours, Likenesses theirs,
                                                   std::uint64_t most_bytes) {
  std::vector<std::pair<imap::Uid, imap::Uid>> out;
  std::uint64_t left = most_bytes;
  for (const auto& [likeness, uid] : ours) {
    const auto it = theirs.find(likeness);
    if (it == theirs.end() || likeness.size > left / 2) continue;
    left -= 2 * likeness.size;
    out.emplace_back(uid, it->second);
    theirs.erase(it);
  }
  return out;
}

}  // namespace mailroom::mailbox
