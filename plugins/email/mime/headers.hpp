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

/// What decoding a value brought to light.
struct HeaderNotes {
  bool invalid = false;   ///< an encoded word has bytes that are not of its charset
  bool line_end = false;  ///< an encoded word holds a line end: in another reader a field may begin there
  bool nul = false;       ///< an encoded word holds a NUL: another reader's text ends there
};
/// decode_header() with notes (each set, never cleared); nullptr for none.
std::string decode_header(std::string_view value, HeaderNotes* notes);

/// A CR that ends no line ("\r\r\n" is a line end that a relay doubled).
bool has_bare_cr(std::string_view value);

/// How long the encoded word at the start of `s` is (RFC 2047 §2: no white space in it); 0 when there is
/// none.
std::size_t encoded_word_length(std::string_view s);

/// A parameter after RFC 2231 continuations are joined and decoded; the name in lower case, the value valid
/// UTF-8.
struct Parameter {
  std::string name, value;
};

/// "value; a=b; c*0*=utf-8''d": the value in lower case, one line of valid UTF-8, and the parameters. At most
/// 200 of them.
struct Structured {
  std::string value;
  std::vector<Parameter> parameters;
  std::vector<Parameter> repeated;  ///< what stands again with another value; the first one counts
  bool gap = false;                 ///< a piece of an RFC 2231 value is missing, or has a number that is none
  bool control = false;             ///< a value holds a NUL or a line end, encoded; in `parameters` a blank

  const std::string* find(std::string_view name) const;
};
Structured parse_structured(std::string_view field_value);

/// Message ids of References and the like: what stands in angle brackets, else the words. At most 200, each
/// at most 998 bytes.
std::vector<std::string> parse_ids(std::string_view value);

}  // namespace mailroom::mime
