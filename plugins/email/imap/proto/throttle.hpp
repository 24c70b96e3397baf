// "Slow down", as servers say it in words (quirk throttled_answer). Pure.
#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace mailroom::imap {

/// How long the server asks to wait: "Request is throttled. Suggested Backoff Time: 299910 milliseconds"
/// (Exchange Online). At most an hour, whatever it says; nothing where it does not ask.
std::optional<std::chrono::milliseconds> asked_to_wait(std::string_view words);

}  // namespace mailroom::imap
