#include "imap/proto/transfer.hpp"

#include <algorithm>

#include "imap/proto/data.hpp"

namespace mailroom::imap {
namespace {

constexpr std::uint32_t kMostCopies = 100'000;  // in one COPYUID

void refuse_empty(const UidSet& set) {
  if (set.empty()) throw Failure(Errc::invalid, "no message to copy or move");
}

}  // namespace

Uid CopyResult::there(Uid here) const {
  for (const auto& [source, copy] : uids)
    if (source == here) return copy;
  return 0;
}

Command copy_command(const UidSet& set, std::string_view mailbox) {
  refuse_empty(set);
  return Command("UID COPY " + set.text() + " ").mailbox(mailbox);
}

Command move_command(const UidSet& set, std::string_view mailbox) {
  refuse_empty(set);
  return Command("UID MOVE " + set.text() + " ").mailbox(mailbox);
}

bool take_copyuid(const Response& response, CopyResult& result) {
  if (response.code != "COPYUID") return false;
  try {
    Frame frame{response.code_text, {}};
    Tokens t(frame);
    Limits limits;
    limits.search_results = kMostCopies;
    std::vector<Uid> here, there;
    const std::uint32_t validity = t.number32();
    expand(t.atom(), here, limits);
    expand(t.atom(), there, limits);
    if (validity == 0 || here.size() != there.size() || !t.end()) return false;
    if (result.uid_validity != 0 && result.uid_validity != validity) return false;
    result.uid_validity = validity;
    for (std::size_t i = 0; i < here.size(); ++i) result.uids.emplace_back(here[i], there[i]);
    return true;
  } catch (const Failure&) {  // as if it were missing
    return false;
  }
}

Command rename_command(std::string_view from, std::string_view to) {
  return Command("RENAME ").mailbox(from).raw(" ").mailbox(to);
}

Command delete_command(std::string_view mailbox) { return Command("DELETE ").mailbox(mailbox); }

Command label_command(const UidSet& set, StoreMode mode, const std::vector<std::string>& labels) {
  if (set.empty()) throw Failure(Errc::invalid, "labels for no message");
  Command command("UID STORE " + set.text());
  command.raw(mode == StoreMode::add      ? " +X-GM-LABELS ("
              : mode == StoreMode::remove ? " -X-GM-LABELS ("
                                          : " X-GM-LABELS (");
  bool first = true;
  for (const std::string& label : labels) {
    if (!first) command.raw(" ");
    first = false;
    if (!label.starts_with('\\')) {
      command.mailbox(label);
      continue;
    }
    const std::string flag = flag_list({label});  // checks it
    command.raw(std::string_view(flag).substr(1, flag.size() - 2));
  }
  return command.raw(")");
}

}  // namespace mailroom::imap
