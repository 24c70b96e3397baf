#include "imap/proto/introduce.hpp"

namespace mailroom::imap {

Command id_command(const Identity& own) {
  Command command("ID ");
  int fields = 0;
  for (const auto& [key, value] : own) {
    if (key.empty() || key.size() > 30 || value.size() > 1024 || fields == 30) continue;
    command.raw(fields++ == 0 ? "(" : " ").string(key).raw(" ").string(value);
  }
  command.raw(fields == 0 ? "NIL" : ")");
  return command;
}

std::vector<std::string> to_enable(const Session& session, const std::vector<std::string>& wanted) {
  std::vector<std::string> out;
  if (!session.offers("ENABLE")) return out;
  for (const std::string& name : wanted)
    if (session.caps.has(name) && !session.enabled.has(name)) out.push_back(name);
  return out;
}

Command enable_command(const std::vector<std::string>& names) {
  Command command("ENABLE");
  for (const std::string& name : names) command.raw(" ").raw(name);
  return command;
}

}  // namespace mailroom::imap
