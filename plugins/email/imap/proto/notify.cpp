#include "imap/proto/notify.hpp"

namespace mailroom::imap {

Command notify_command(const NotifyRequest& request) {
  constexpr std::size_t kMost = 1'000;
  if (request.mailboxes.size() > kMost)
    throw Failure(Errc::invalid, "news of more than " + std::to_string(kMost) + " mailboxes");
  if (!request.selected && request.mailboxes.empty()) return Command("NOTIFY NONE");
  Command command("NOTIFY SET");
  if (request.status_now) command.raw(" STATUS");
  // MessageNew, MessageExpunge and FlagChange stand together or not at all (RFC 5465 §5).
  if (request.selected) command.raw(" (selected (MessageNew MessageExpunge FlagChange))");
  if (!request.mailboxes.empty()) {
    command.raw(" (mailboxes ");
    const bool one = request.mailboxes.size() == 1;
    if (!one) command.raw("(");
    for (std::size_t i = 0; i < request.mailboxes.size(); ++i)
      command.raw(i == 0 ? "" : " ").mailbox(request.mailboxes[i]);
    command.raw(one ? " (MessageNew MessageExpunge))" : ") (MessageNew MessageExpunge))");
  }
  return command;
}

}  // namespace mailroom::imap
