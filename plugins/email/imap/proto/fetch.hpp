// UID FETCH: rows as they come.
#pragma once
#include "imap/proto/exchange.hpp"
#include "imap/proto/uid_set.hpp"

namespace mailroom::imap {

/// Answers `event` for each row; take_row() takes it and goes on. Rows that the command did not ask for are
/// folded into the session.
class Fetch final : public Exchange {
 public:
  /// Throws Failure(invalid) for an empty set or a section name that is none.
  Fetch(Session& session, const UidSet& set, const FetchItems& items);
  MessageRow take_row();

 private:
  bool asked_for(const MessageRow& row) const;

  UidSet set_;
  FetchItems items_;
  MessageRow row_;
};

}  // namespace mailroom::imap
