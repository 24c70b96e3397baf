// Where the sections of a fetch go that are not to be held.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "imap/proto/types.hpp"

namespace mailroom::imap {

/// A section whose bytes follow.
struct SectionStart {
  Uid uid = 0;            ///< 0: the server has not told yet; the row that follows does
  std::string_view name;  ///< as in Section
  std::optional<std::uint64_t> origin;
  std::uint64_t size = 0;  ///< bytes that come, as announced
};

/// Takes sections of messages as they come off the connection. Called on its strand, never for two sections
/// at a time; the message's row follows behind its sections, and only then it is certain whose they were.
/// What it throws ends the fetch and the connection, and is thrown on by the fetch.
class SectionSink {
 public:
  virtual ~SectionSink() = default;
  /// False: this one is kept in the row, within the limits.
  virtual bool begin(const SectionStart& section) = 0;
  /// Its next bytes; borrowed for the call.
  virtual void bytes(std::string_view piece) = 0;
};

}  // namespace mailroom::imap
