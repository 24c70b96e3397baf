// Where a message's bytes come from: a string, a blob, a file. The machine pulls them, so that a large
// message is never in memory as a whole.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "smtp/proto/message_check.hpp"

namespace mailroom::smtp {

/// A message in blocks, from front to back, as often as wanted. One user at a time. A source that fails
/// throws Failure; before the commit that is a message which was not sent.
class MessageSource {
 public:
  virtual ~MessageSource() = default;
  virtual std::uint64_t size() const = 0;  ///< bytes of all blocks together
  virtual void rewind() = 0;               ///< the next block is the first again
  /// The next block, of any size, borrowed until the next call; empty at the end.
  virtual std::string_view next() = 0;
};

/// A message in memory, borrowed.
class StringSource final : public MessageSource {
 public:
  explicit StringSource(std::string_view message) : all_(message), rest_(message) {}
  std::uint64_t size() const override { return all_.size(); }
  void rewind() override { rest_ = all_; }
  std::string_view next() override {
    const std::string_view block = rest_.substr(0, kBlock);
    rest_.remove_prefix(block.size());
    return block;
  }

 private:
  static constexpr std::size_t kBlock = 64 * 1024;
  std::string_view all_, rest_;
};

/// A message that was found fit for the wire: made once, delivered as often as needed (another connection,
/// another day) without being looked through again. Borrows the source.
class Message {
 public:
  /// Reads the whole source. Throws Failure(invalid) as check_message() does, and what the source throws.
  explicit Message(MessageSource& source) : source_(source), facts_(check_message(source)) {}
  MessageSource& source() const { return source_; }
  const MessageFacts& facts() const { return facts_; }

 private:
  MessageSource& source_;
  MessageFacts facts_;
};

}  // namespace mailroom::smtp
