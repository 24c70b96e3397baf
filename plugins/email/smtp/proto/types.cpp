#include "smtp/proto/types.hpp"

namespace mailroom::smtp {

std::string Reply::text() const {
  std::string out = std::to_string(code);
  if (!enhanced.empty()) out += " " + enhanced;
  for (const std::string& line : lines)
    if (!line.empty()) out += " " + line;
  return printable(out);
}

std::string_view name(Outcome::State state) {
  switch (state) {
    case Outcome::State::delivered:
      return "delivered";
    case Outcome::State::refused:
      return "refused";
    case Outcome::State::temporary:
      return "temporary";
    case Outcome::State::uncertain:
      return "uncertain";
  }
  return "uncertain";
}

std::string_view name(RecipientOutcome::State state) {
  switch (state) {
    case RecipientOutcome::State::pending:
      return "pending";
    case RecipientOutcome::State::accepted:
      return "accepted";
    case RecipientOutcome::State::refused:
      return "refused";
    case RecipientOutcome::State::temporary:
      return "temporary";
  }
  return "pending";
}

}  // namespace mailroom::smtp
