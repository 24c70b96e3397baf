// A text as the words that a reader compares: without case, punctuation, marks of lists, and what programs
// put in for pictures and links (internal to mime/).
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace mailroom::mime {

struct Word {
  enum class Kind : std::uint8_t {
    letters,
    number,     ///< has a digit, and three letters or more
    ideograph,  ///< one character of a script without blanks
    host,       ///< of an http, https or ftp address: its host without "www."
    address     ///< of a mailbox
  };
  std::uint64_t hash = 0;  ///< of the folded letters
  std::uint32_t at = 0;    ///< where it begins
  std::uint32_t size = 0;  ///< bytes
  Kind kind = Kind::letters;
};

struct Words {
  std::vector<Word> said;     ///< words, numbers, ideographs, in order
  std::vector<Word> targets;  ///< hosts and addresses, in order
};

/// `text` is UTF-8. Linear; at most `most` words in all, the rest is left out.
Words words_of(std::string_view text, std::size_t most = 300'000);

/// The hash of a word of ASCII letters.
std::uint64_t word_hash(std::string_view word);

}  // namespace mailroom::mime
