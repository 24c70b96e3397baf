// Header blocks, and the structured values of Content-* fields (internal to mime/).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::mime {

/// Control characters and Unicode line ends become spaces: a value that stays one value wherever it is
/// written.
std::string one_line(std::string text);

/// The value without line ends (RFC 5322 §2.2.3), at most `max_bytes`; `cut` is set when there was more.
std::string unfold(std::string_view value, std::size_t max_bytes, bool* cut);

/// A parameter after RFC 2231 continuations are joined and decoded; the name in lower case, the value valid
/// UTF-8.
struct Parameter {
  std::string name, value;
};

/// "value; a=b; c*0*=utf-8''d": the value in lower case, and the parameters. At most 200 of them.
struct Structured {
  std::string value;
  std::vector<Parameter> parameters;
  bool repeated = false;  ///< a parameter stands twice with different values; the first counts

  const std::string* find(std::string_view name) const;
};
Structured parse_structured(std::string_view field_value);

/// Message ids of References and the like: what stands in angle brackets, else the words. At most 200, each
/// at most 998 bytes.
std::vector<std::string> parse_ids(std::string_view value);

}  // namespace mailroom::mime
