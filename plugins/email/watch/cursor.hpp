// Where a watcher stands in its mailbox, and what it would recognise if the server numbered everything anew.
// Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::watch {

/// Digests of messages that were dealt with, oldest first: a multiset, so that two equal messages count
/// twice. Holds the latest `kMost`; for those that had to go, `horizon` (INTERNALDATE, seconds) says how far
/// back everything is known. 20 bytes a message: 12 of the digest, 4 of the date, 4 of the UID.
class Known {
 public:
  static constexpr std::size_t kMost = 512, kEntry = 20;
  using Digest = std::string_view;  ///< at least 12 bytes (SHA-256 of header block, size and INTERNALDATE)

  /// `uid` under the numbering in force; 0: not known.
  void add(Digest digest, std::int64_t date_s, std::uint32_t uid = 0);
  /// Takes one occurrence out. False when there is none.
  bool take(Digest digest);
  /// The same of the one that had this UID.
  bool take(Digest digest, std::uint32_t uid);
  /// The UIDs, where they are known, of the messages with this digest.
  std::vector<std::uint32_t> uids_of(Digest digest) const;
  std::size_t size() const { return packed_.size() / kEntry; }
  std::int64_t horizon() const { return horizon_; }
  void raise_horizon(std::int64_t date_s);
  const std::string& packed() const { return packed_; }
  static Known from(std::string packed, std::int64_t horizon);

 private:
  std::string packed_;
  std::int64_t horizon_ = 0;
};

/// Durable: it travels with every hand-over as JSON of at most 64 KiB.
struct Cursor {
  std::uint32_t uid_validity = 0;
  std::uint32_t last_uid = 0;   ///< everything up to it is dealt with
  std::uint32_t start_uid = 0;  ///< up to it, `start_from` decides what counts; above it everything does
  std::int64_t start_s = 0;     ///< when the watcher started for the very first time
  std::uint64_t modseq = 0;     ///< no message above last_uid is as old as this (RFC 7162); 0: not known
  bool filled = false;          ///< are the digests of the mail that was there at the start taken?
  Known known;
  std::optional<Known>
      before;  ///< while re-syncing after a UIDVALIDITY change: what of the old numbering is still unclaimed

  std::string text() const;
  /// nullopt for an empty text; throws Failure(state) for one that cannot be read: handing over everything
  /// again, or nothing, would both be wrong, so a person must decide.
  static std::optional<Cursor> from(std::string_view text);
};

/// What is to be done once the mailbox is open.
enum class Begin {
  first,   ///< no cursor yet: start_from decides
  go_on,   ///< the numbering is the same
  resync,  ///< UIDVALIDITY changed
};
Begin begin_with(const std::optional<Cursor>& cursor, std::uint32_t uid_validity);

/// The cursor of a new numbering: nothing of it dealt with yet, everything known kept to compare with.
Cursor renumbered(const Cursor& old, std::uint32_t uid_validity);

/// While re-syncing: was this message dealt with under the old numbering? Uses up one occurrence.
bool dealt_with_before(Cursor& cursor, std::string_view digest, std::int64_t date_s);

}  // namespace mailroom::watch
