#include "read/rows.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include "imap/proto/ascii.hpp"
#include "mime/ascii.hpp"
#include "mime/parse.hpp"

namespace mailroom::read {
namespace {

constexpr std::uint32_t kHeaderBytes = 64u << 10;  // of the fields of one message
constexpr std::size_t kMostAtOnce = 500;           // messages of one command: some servers' lines end at 8 KB
constexpr std::string_view kFields =
    "FROM SENDER TO CC BCC REPLY-TO SUBJECT DATE MESSAGE-ID IN-REPLY-TO REFERENCES";

void check_name(std::string_view name) {
  bool good = !name.empty() && name.size() <= 100;
  for (const char c : name) good = good && (mime::is_alpha(c) || mime::is_digit(c) || c == '-' || c == '_');
  if (!good)
    throw Failure(Errc::invalid, "not the name of a header field", printable(name, 60),
                  "For example List-Id");
}

/// Servers write a list of fields in their own way.
bool has_section(const imap::MessageRow& row, std::string_view name) {
  constexpr std::string_view kList = "HEADER.FIELDS";
  if (!name.starts_with(kList)) return row.section(name) != nullptr;
  return std::any_of(row.sections.begin(), row.sections.end(), [&](const imap::Section& s) {
    return imap::same(std::string_view(s.name).substr(0, kList.size()), kList);
  });
}

/// A row that says which message it is of, but nothing else that was asked.
bool is_empty(const imap::MessageRow& row, const imap::FetchItems& items) {
  if (!row.error) return false;
  for (const imap::FetchItems::Want& want : items.sections)
    if (!has_section(row, want.name)) return true;
  return items.sections.empty();
}

}  // namespace

net::Task<Rows> fetch_rows(imap::Client& client, std::vector<imap::Uid> uids, imap::FetchItems items) {
  Rows out;
  std::map<imap::Uid, imap::MessageRow> got;
  std::deque<std::vector<imap::Uid>> todo;
  for (std::size_t at = 0; at < uids.size(); at += kMostAtOnce) {
    const auto begin = uids.begin() + static_cast<std::ptrdiff_t>(at);
    todo.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(std::min(kMostAtOnce, uids.size() - at)));
  }
  while (!todo.empty()) {
    const std::vector<imap::Uid> set = std::move(todo.front());
    todo.pop_front();
    Error refusal, nameless;
    std::map<imap::Uid, imap::MessageRow> here;
    const imap::OnRow on_row = [&](imap::MessageRow&& row) {
      if (row.uid == 0)
        nameless = std::move(row.error);
      else
        here[row.uid] = std::move(row);
    };
    const imap::UidSet asked = imap::UidSet::of(set);
    try {
      co_await client.uid_fetch(asked, items, on_row);
    } catch (const Failure& f) {
      if (is_fatal(f.error.code) || is_temporary(f.error.code)) throw;
      refusal = f.error;
    }
    std::vector<imap::Uid> missing;
    for (const imap::Uid uid : set) {
      const auto it = here.find(uid);
      if (it == here.end())
        missing.push_back(uid);
      else if (is_empty(it->second, items))
        out.unreadable.emplace_back(uid, it->second.error);
      else
        got[uid] = std::move(it->second);
    }
    if (missing.empty() || (!refusal && !nameless)) continue;  // who is missing now has been expunged
    if (set.size() == 1) {
      Error error = refusal ? refusal : nameless;
      error.where = "message UID " + std::to_string(set.front());
      out.unreadable.emplace_back(set.front(), std::move(error));
      continue;
    }
    const auto half = missing.begin() + static_cast<std::ptrdiff_t>((missing.size() + 1) / 2);
    todo.emplace_back(missing.begin(), half);
    if (half != missing.end()) todo.emplace_back(half, missing.end());
  }
  for (const imap::Uid uid : uids)
    if (const auto it = got.find(uid); it != got.end()) {
      out.rows.push_back(std::move(it->second));
      got.erase(it);
    }
  co_return out;
}

imap::FetchItems summary_items(const std::vector<std::string>& more_fields) {
  imap::FetchItems items;
  items.flags = items.size = items.internal_date = items.structure = items.object_ids = true;
  std::string fields(kFields);
  for (const std::string& name : more_fields) {
    check_name(name);
    fields += " " + imap::upper(name);
  }
  items.sections = {{"HEADER.FIELDS (" + fields + ")", kHeaderBytes, 0}};
  return items;
}

Summary summary_of(imap::MessageRow row) {
  Summary s;
  if (!row.sections.empty()) s.message = mime::parse_headers(row.sections.front().bytes);
  if (row.size) s.message.size = *row.size;
  if (row.structure) s.attachments = attachments_in(*row.structure);
  s.row = std::move(row);
  return s;
}

}  // namespace mailroom::read
