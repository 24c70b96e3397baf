#include "imap/proto/change.hpp"

#include <chrono>
#include <cstdio>

namespace mailroom::imap {
namespace {

void check_flag(std::string_view flag) {
  const std::string_view atom = flag.starts_with('\\') ? flag.substr(1) : flag;
  bool good = !atom.empty() && atom.size() <= 200;
  for (const char c : atom)
    good = good && static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F &&
           std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
  if (!good)
    throw Failure(Errc::invalid, "not a flag", printable(flag, 60),
                  "For example \"\\Seen\" or a single word.");
}

}  // namespace

std::string flag_list(const std::vector<std::string>& flags) {
  std::string out = "(";
  for (const std::string& flag : flags) {
    check_flag(flag);
    if (out.size() > 1) out += ' ';
    out += flag;
  }
  return out + ")";
}

std::string date_time(std::int64_t unix_seconds) {
  if (unix_seconds < 0 || unix_seconds > 253402300799)
    throw Failure(Errc::invalid, "a message's date is not between 1970 and 9999");
  using namespace std::chrono;
  const auto day = static_cast<int>(unix_seconds / 86400), second = static_cast<int>(unix_seconds % 86400);
  const year_month_day date{sys_days{days{day}}};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  std::snprintf(text, sizeof text, "\"%02u-%s-%04d %02d:%02d:%02d +0000\"", static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                second / 3600, second / 60 % 60, second % 60);
  return text;
}

Command append_command(std::string_view mailbox, const std::vector<std::string>& flags,
                       std::optional<std::int64_t> internal_date, std::string_view message) {
  if (message.empty()) throw Failure(Errc::invalid, "an empty message cannot be stored");
  for (std::size_t i = 0; i < message.size(); ++i)
    if ((message[i] == '\n' && (i == 0 || message[i - 1] != '\r')) ||
        (message[i] == '\r' && (i + 1 == message.size() || message[i + 1] != '\n')))
      throw Failure(Errc::invalid, "the message contains a bare CR or LF", {}, "Lines must end in CRLF.");
  Command command("APPEND ");
  command.mailbox(mailbox).raw(" ");
  if (!flags.empty()) command.raw(flag_list(flags)).raw(" ");
  if (internal_date) command.raw(date_time(*internal_date)).raw(" ");
  command.literal(message);
  return command;
}

AppendResult append_result(const Response& answer) {
  if (answer.code != "APPENDUID") return {};
  try {
    Frame frame{answer.code_text, {}};
    Tokens t(frame);
    AppendResult result;
    result.uid_validity = t.number32();
    result.uid = t.number32();
    if (result.uid_validity != 0 && result.uid != 0) return result;
  } catch (const Failure&) {  // as if it were missing
  }
  return {};
}

Command store_command(const UidSet& set, StoreMode mode, const std::vector<std::string>& flags) {
  if (set.empty()) throw Failure(Errc::invalid, "flags for no message");
  const char* item = mode == StoreMode::add      ? " +FLAGS.SILENT "
                     : mode == StoreMode::remove ? " -FLAGS.SILENT "
                                                 : " FLAGS.SILENT ";
  return Command("UID STORE " + set.text() + item + flag_list(flags));
}

Command expunge_command(const UidSet& set) {
  if (set.empty()) throw Failure(Errc::invalid, "no message to remove");
  return Command("UID EXPUNGE " + set.text());
}

Command create_command(std::string_view mailbox, std::optional<Use> use) {
  Command command("CREATE ");
  command.mailbox(mailbox);
  if (use) command.raw(" (USE (").raw(attribute(*use)).raw("))");
  return command;
}

}  // namespace mailroom::imap
