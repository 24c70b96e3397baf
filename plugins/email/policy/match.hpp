// A blueprint's `match`: which messages it wants. Pure.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "mime/message.hpp"
#include "support/json.hpp"

namespace re2 {
class RE2;
}

namespace mailroom::policy {

/// All given conditions must hold. Regexes are RE2 (linear time), case-insensitive, searched anywhere in the
/// text. Immutable after compile; any thread.
class Match {
 public:
  /// `match`: {folder, from_regex, subject_regex}, all optional. Throws Failure(config) naming the field for
  /// a pattern that is not RE2 or needs more than 8 MiB.
  static Match compile(const aoh::Json& match);

  /// "" when the message matches, else the condition that failed: "from_regex", "subject_regex". `from_regex`
  /// is searched in each From address, and in `name <address>` where there is a name; a header beyond 64 KiB
  /// is cut.
  std::string_view mismatch(const mime::Message& m) const;

  const std::string& folder() const { return folder_; }  ///< "INBOX" when not given

 private:
  std::string folder_ = "INBOX";
  std::shared_ptr<const re2::RE2> from_, subject_;
};

}  // namespace mailroom::policy
