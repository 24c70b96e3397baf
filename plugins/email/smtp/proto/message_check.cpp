#include "smtp/proto/message_check.hpp"

#include <cstring>
#include <string>

#include "base/error.hpp"
#include "smtp/proto/source.hpp"

namespace mailroom::smtp {
namespace {

[[noreturn]] void refuse(const std::string& what, std::uint64_t at) {
  throw Failure(Errc::invalid, "the message contains " + what, "byte " + std::to_string(at),
                "Lines must end in CRLF and have at most 998 bytes.");
}

const char* find(std::string_view s, char c) {
  return s.empty() ? nullptr : static_cast<const char*>(std::memchr(s.data(), c, s.size()));
}

bool has_high(std::string_view s) {
  std::uint64_t all = 0, word = 0;
  std::size_t i = 0;
  for (; i + sizeof word <= s.size(); i += sizeof word) {
    std::memcpy(&word, s.data() + i, sizeof word);
    all |= word;
  }
  for (; i < s.size(); ++i) all |= static_cast<unsigned char>(s[i]);
  return (all & 0x8080808080808080u) != 0;
}

}  // namespace

void MessageChecker::feed(std::string_view block) {
  if (block.empty()) return;
  const std::uint64_t before = facts_.size;
  if (const char* nul = find(block, '\0'))
    refuse("a NUL byte", before + static_cast<std::uint64_t>(nul - block.data()));
  if (!facts_.eight_bit) facts_.eight_bit = has_high(block);
  std::string_view rest = block;
  if (cr_) {  // the CR was the last byte of the block before
    if (rest.front() != '\n') refuse("a bare CR", before - 1);
    rest.remove_prefix(1);
    ++facts_.size;
    line_ = 0;
    cr_ = false;
  }
  while (!rest.empty()) {
    const char* cr = find(rest, '\r');
    const auto n = cr == nullptr ? rest.size() : static_cast<std::size_t>(cr - rest.data());
    line(rest.substr(0, n));
    rest.remove_prefix(n);
    if (rest.empty()) return;
    if (rest.size() == 1) {
      ++facts_.size;
      cr_ = true;
      return;
    }
    if (rest[1] != '\n') refuse("a bare CR", facts_.size);
    facts_.size += 2;
    line_ = 0;
    rest.remove_prefix(2);
  }
}

/// A piece of a line, without a CR.
void MessageChecker::line(std::string_view text) {
  if (const char* lf = find(text, '\n'))
    refuse("a bare LF", facts_.size + static_cast<std::uint64_t>(lf - text.data()));
  line_ += text.size();
  facts_.size += text.size();
  if (line_ > kLine) refuse("a line of more than 998 bytes", facts_.size);
}

MessageFacts MessageChecker::finish() {
  if (cr_) refuse("a bare CR", facts_.size - 1);
  return facts_;
}

MessageFacts check_message(std::string_view message) {
  MessageChecker checker;
  checker.feed(message);
  return checker.finish();
}

MessageFacts check_message(MessageSource& source) {
  MessageChecker checker;
  source.rewind();
  for (std::string_view block = source.next(); !block.empty(); block = source.next()) checker.feed(block);
  return checker.finish();
}

}  // namespace mailroom::smtp
