// A set of UIDs as IMAP writes it: "1:5,9,12:*".
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imap/proto/types.hpp"

namespace mailroom::imap {

class UidSet {
 public:
  UidSet() = default;
  static UidSet one(Uid uid) { return range(uid, uid); }
  static UidSet range(Uid first, Uid last);
  static UidSet from(Uid first);  ///< "first:*". A server may answer with the last message even below
                                  ///< `first`; contains() tells
  static UidSet of(std::span<const Uid> uids);  ///< any order, duplicates allowed; neighbours become ranges

  /// "1:3,5,9:7" (RFC 3501 sequence-set) as a server tells it. Throws Failure(protocol) for anything else,
  /// "*" and 0 among it.
  static UidSet parse(std::string_view text);

  void add(Uid first, Uid last);
  void add(const UidSet& other);
  /// Those that are not in `other`.
  UidSet without(const UidSet& other) const;
  bool empty() const { return ranges_.empty(); }
  bool contains(Uid uid) const;
  std::uint64_t size() const;  ///< how many UIDs; "n:*" counts up to 2^32-1
  std::size_t ranges() const { return ranges_.size(); }
  bool open_ended() const;  ///< does it end in "*"?
  /// The n-th range by itself.
  UidSet range_at(std::size_t n) const;
  /// Up to `most` of its UIDs, lowest first.
  std::vector<Uid> uids(std::size_t most) const;
  /// RFC 3501 sequence-set.
  std::string text() const;

 private:
  struct Range {
    Uid first, last;  // last UINT32_MAX: "*"
  };
  void merge();                // sorts, joins what overlaps or touches
  std::vector<Range> ranges_;  // sorted, disjoint
};

}  // namespace mailroom::imap
