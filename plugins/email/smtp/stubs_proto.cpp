#include "smtp/proto/types.hpp"
namespace mailroom::smtp {
void check(const Envelope&) {}
std::string_view name(Outcome::State) { return ""; }
std::string_view name(RecipientOutcome::State) { return ""; }
}  // namespace mailroom::smtp
