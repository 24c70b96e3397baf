// One response, told apart by its first words.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "imap/proto/framer.hpp"
#include "imap/proto/tokens.hpp"

namespace mailroom::imap {

struct Response {
  enum class Kind {
    go_ahead,  ///< "+ text"
    ok,
    no,
    bad,
    bye,
    preauth,  ///< status; with a tag: the end of a command
    capability,
    flags,
    list,
    search,
    esearch,
    sort,
    thread,
    status,
    id,
    enabled,
    exists,
    recent,
    expunge,
    fetch,  ///< with `number`
    vanished,
    other,  ///< anything else: to be ignored
  };
  Kind kind = Kind::other;
  std::string tag;           ///< empty: untagged
  std::uint32_t number = 0;  ///< of EXISTS, EXPUNGE, FETCH
  std::string code;          ///< response code's name, upper case; empty without
  std::string code_text;     ///< what follows it within the brackets
  std::string text;          ///< human-readable words of a status or of a "+"
  Frame frame;
  std::size_t at = 0;  ///< where the data begins in frame.line

  /// The data of the response. Literals are moved out by reading.
  Tokens tokens() { return Tokens(frame, at); }
};

/// Failure(protocol) when the line has no form that IMAP knows, or a number is out of range.
Response classify(Frame&& frame);

}  // namespace mailroom::imap
