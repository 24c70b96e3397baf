#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "sessions/command_offer.hpp"
#include "sessions/command_run.hpp"

namespace aoh::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLastWords = 1000;    // bytes of standard error that an error shows
constexpr std::chrono::seconds kSilent{5};  // from the end of the program's output to its own, or back
constexpr std::chrono::seconds kLongestWait{60};

}  // namespace

void CommandRun::wake() const {
  const std::uint64_t one = 1;
  (void)!::write(bell_.get(), &one, sizeof one);
}

void CommandRun::wait() {
  const bool take_more = unsent_.size() < kUnread;
  pollfd on[] = {
      {bell_.get(), POLLIN, 0},
      {gone_ ? -1 : process_->watch(), POLLIN, 0},
      {take_more ? process_->output.get() : -1, POLLIN, 0},
      {process_->errors.get(), POLLIN, 0},
      {unsent_.empty() ? -1 : process_->input.get(), POLLOUT, 0},
  };
  auto until = Clock::now() + kLongestWait;
  if (!finished_) until = std::min(until, deadline_);
  if (last_chance_) until = std::min(until, *last_chance_);
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  ::poll(on, std::size(on), static_cast<int>(std::max<std::int64_t>(ms, 0)));
  if (on[0].revents) {
    std::uint64_t count = 0;
    (void)!::read(bell_.get(), &count, sizeof count);
  }
  if (on[3].revents) read_errors();
  if (on[2].revents) read_output();
  if (on[4].revents) write_input();
  if (on[1].revents) {
    if (const auto how = process_->ended()) process_ended(*how);
  }
}

void CommandRun::read_output() {
  std::array<char, 65536> buffer;
  const ssize_t n = ::read(process_->output.get(), buffer.data(), buffer.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) {
    process_->output.reset();
    if (!gone_ && !last_chance_) last_chance_ = Clock::now() + kSilent;
    return;
  }
  bytes_ += n;
  if (bytes_ > agent_.limits.output_bytes)
    return fail("the program wrote more than " + std::to_string(agent_.limits.output_bytes) +
                " bytes (limits.output_bytes)");
  line_.append(buffer.data(), static_cast<std::size_t>(n));
}

void CommandRun::take_lines() {
  std::size_t begin = 0;
  // An answer may be large: the next line waits until the last answers are read.
  while (!over_ && unsent_.size() < kUnread) {
    const auto newline = line_.find('\n', looked_at_);
    const std::size_t size = (newline == std::string::npos ? line_.size() : newline) - begin;
    if (size > static_cast<std::size_t>(agent_.limits.line_bytes))
      return fail("the program wrote a line longer than " + std::to_string(agent_.limits.line_bytes) +
                  " bytes (limits.line_bytes)");
    looked_at_ = newline == std::string::npos ? line_.size() : newline + 1;
    if (newline == std::string::npos) break;
    if (++steps_ > agent_.limits.steps)
      return fail("the limit of " + std::to_string(agent_.limits.steps) + " lines (limits.steps) is used up");
    take(server_->line(std::string_view(line_).substr(begin, size)));
    begin = newline + 1;
  }
  line_.erase(0, begin);
  looked_at_ -= begin;
}

void CommandRun::take(const mcp::Reaction& reaction) {
  for (const auto& line : reaction.lines) send(line);
  if (!reaction.broken.empty()) {
    write_input();  // it is told why, if it listens
    return fail("the program wrote what is not JSON: " + reaction.broken + last_words());
  }
  tokens_ = std::max(tokens_, reaction.tokens);
  if (tokens_ > agent_.limits.tokens)
    return fail("the program reports " + std::to_string(tokens_) + " tokens; its limit (limits.tokens) is " +
                std::to_string(agent_.limits.tokens));
  for (const auto& key : reaction.cancelled) {
    std::erase_if(queue_, [&](const mcp::Call& call) { return call.key == key; });
    if (working_ && working_->key == key) {
      working_->cancel.request_stop();
      working_->key.clear();  // the id may name another call from now on
    }
  }
  for (const auto& tool : reaction.refused) {
    const std::string why = "called " + tool + ", for which it has no grant";
    calls_.refuse(tool, why);
    if (++refused_ > agent_.limits.refusals) {
      write_input();
      return fail("the program " + why);
    }
  }
  for (const auto& call : reaction.calls) queue_.push_back(call);
}

void CommandRun::send(std::string_view line) {
  if (line.empty() || !process_->input) return;
  unsent_.append(line);
  unsent_ += '\n';
  write_input();
}

void CommandRun::write_input() {
  while (process_->input && !unsent_.empty()) {
    const ssize_t n = ::write(process_->input.get(), unsent_.data(), unsent_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {  // it does not listen any more
      process_->input.reset();
      unsent_.clear();
      return;
    }
    unsent_.erase(0, static_cast<std::size_t>(n));
  }
  // Nothing more will come: the end that MCP's stdio clients know.
  if (finished_ && unsent_.empty() && queue_.empty()) process_->input.reset();
}

void CommandRun::read_errors() {
  std::array<char, 65536> buffer;
  const ssize_t n = ::read(process_->errors.get(), buffer.data(), buffer.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) return process_->errors.reset();
  bytes_ += n;
  if (bytes_ > agent_.limits.output_bytes)
    return fail("the program wrote more than " + std::to_string(agent_.limits.output_bytes) +
                " bytes (limits.output_bytes)");
  errors_.append(buffer.data(), static_cast<std::size_t>(n));
  // A passed value that is cut off at the front is no longer than the longest; last_words() drops that much.
  if (const auto kept = kLastWords + longest_passed(agent_); errors_.size() > kept) {
    errors_.erase(0, errors_.size() - kept);
    errors_cut_ = true;
  }
}

void CommandRun::process_ended(const ProcessEnd& how) {
  gone_ = how;
  last_chance_.reset();
  // It closes with the last process that has it, which need not be of this program.
  if (process_->output) last_chance_ = Clock::now() + kSilent;
  process_->input.reset();
  unsent_.clear();
  while (process_->errors && !over_) {  // what it said last is there already
    const auto before = bytes_;
    read_errors();
    if (bytes_ == before) break;
  }
  switch (how.how) {
    case ProcessEnd::How::exited:
      if (how.code != 0)
        fail("the program ended with exit status " + std::to_string(how.code) + last_words());
      return;
    case ProcessEnd::How::signalled:
      return fail("the program was ended by signal " + std::to_string(how.code) + last_words());
    case ProcessEnd::How::not_started:
      return fail("the program \"" + std::string(utf8_prefix(agent_.command.front(), 200)) +
                  "\" cannot be started: " + std::system_category().message(how.code) +
                  "; look at `command` in the agent's file");
    case ProcessEnd::How::lost:
      return fail("the program's guard was killed" + last_words());
  }
}

std::string CommandRun::last_words() const {
  std::string words = without_passed(errors_, agent_, errors_cut_ ? longest_passed(agent_) : 0);
  if (words.size() > kLastWords) words.erase(0, words.size() - kLastWords);
  words = valid_utf8(words);
  for (char& c : words)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  while (!words.empty() && words.back() == ' ') words.pop_back();
  return words.empty() ? "" : "; its last words: " + words;
}

}  // namespace aoh::host
