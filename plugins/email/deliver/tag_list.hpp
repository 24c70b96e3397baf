// "name=value; name=value": the form of DKIM's, DMARC's, MTA-STS's and TLS-RPT's records (RFC 6376 §3.2).
// Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailroom::deliver {

/// In the record's order; names as written. White space around names and values is cut.
class TagList {
 public:
  /// At most 100 tags of 64 KB in all. Throws Failure(invalid) naming the tag: no "=", a name twice, a name
  /// of other characters than letters, digits and "_".
  static TagList parse(std::string_view text);

  const std::string* find(std::string_view name) const;  ///< case matters (RFC 6376 §3.2)
  std::string value(std::string_view name, std::string_view fallback = {}) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return tags_; }

 private:
  std::vector<std::pair<std::string, std::string>> tags_;
};

/// Whether `text` begins with "v=`version`" and then ";", white space or nothing: what a record of many at a
/// name is found by.
bool has_version(std::string_view text, std::string_view version);

/// "a:b : c" cut at `separator`, trimmed, lower case; empty pieces left out.
std::vector<std::string> pieces(std::string_view text, char separator);

}  // namespace mailroom::deliver
