// A set of UIDs as IMAP writes it: "1:5,9,12:*".
#pragma once
#include <span>
#include <string>
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

  void add(Uid first, Uid last);
  bool empty() const { return ranges_.empty(); }
  bool contains(Uid uid) const;
  /// RFC 3501 sequence-set.
  std::string text() const;

 private:
  struct Range {
    Uid first, last;  // last UINT32_MAX: "*"
  };
  std::vector<Range> ranges_;  // sorted, disjoint
};

}  // namespace mailroom::imap
