// What is known of a message when conditions are put to it. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mime/message.hpp"

namespace mailroom::policy {

/// Borrows everything. A message is looked at as soon as its header is there; what is not fetched yet makes a
/// condition `unknown`, never wrong.
struct Facts {
  const mime::Message* message = nullptr;
  bool parts = false;  ///< are its part types and attachments known?
  bool text = false;   ///< is its text?
  std::string_view folder;
  const std::vector<std::string>* flags = nullptr;  ///< as IMAP tells them; null: there are none
  std::optional<std::uint64_t> size;                ///< bytes of the whole message
  std::optional<std::int64_t> arrived_s;            ///< Unix time; absent: no condition on its age holds
  std::int64_t now_s = 0;
  std::span<const std::string> trusted;  ///< servers whose Authentication-Results are believed
};

enum class Truth { no, yes, unknown };

/// An answer, and what would have to be known for a sure one.
struct Outcome {
  Truth truth = Truth::no;
  std::string_view why;      ///< no: which condition failed, "from_regex", "not"; borrowed from it
  bool needs_parts = false;  ///< unknown: for want of its parts
  bool needs_text = false;   ///< unknown: for want of its text
};

}  // namespace mailroom::policy
