// \internal The whole of one extraction, and the conversation with each of its parsers (extract.cpp,
// conversation.cpp).
#pragma once
#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "module/extract.hpp"
#include "wire/frame.hpp"

namespace mailroom::documents {

struct OwnFd {
  int fd = -1;
  ~OwnFd() { close(); }
  void close() {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
};

// The whole of one extraction: what all its parsers share.
class Work {
 public:
  Work(const Means& means, TextTo& to, const std::function<bool()>& stop)
      : means_(means), to_(to), stop_(stop), until_(std::chrono::steady_clock::now() + means.wall) {}

  void document(const Document& d, const std::string& within, int depth);
  void probe(bool pdf);
  Extracted result;

 private:
  friend class Conversation;
  void warn(std::string_view code, const std::string& detail);
  aoh::Json options(const Document& d, const Kind& k, int depth) const;
  std::optional<Failed> judge(const Ending& end, bool finished, bool raw) const;
  std::optional<Failed> too_large(const Document& d, const Kind& k) const;
  bool take_text(std::string_view text);

  using Clock = std::chrono::steady_clock;
  const Means& means_;
  TextTo& to_;
  const std::function<bool()>& stop_;
  const Clock::time_point until_;
  std::uint64_t unpacked_ = 0;  // bytes that archives came to so far
  std::size_t members_ = 0;     // files of archives read so far
};

/// What one parser says, taken frame by frame.
class Conversation {
 public:
  Conversation(Work& work, const Document& d, std::string within, int depth)
      : work_(work), document_(d), within_(std::move(within)), depth_(depth) {}
  bool take(std::string_view bytes);
  bool finished() const { return reader_.ended(); }
  bool raw() const { return reader_.raw(); }
  void end();
  std::optional<Failed> failed;
  aoh::Json facts = aoh::Json::object();

 private:
  bool one(const FrameReader::Taken& f);
  bool mark(std::string_view words);
  bool stop();
  bool next_page() { return mark("page " + std::to_string(++page_)); }
  // A form feed ends a page, also the last one.
  bool pages(std::string_view bytes);
  bool begin_member(std::string name);
  bool add_member(std::string_view bytes);
  bool end_member();
  Work& work_;
  const Document& document_;
  const std::string within_;  // the files of archives around it
  const int depth_;
  FrameReader reader_;
  Cleaner cleaner_;
  int page_ = 0;
  bool page_ended_ = false;  // a form feed came, and nothing since
  bool any_ = false;         // anything of the text came
  OwnFd member_;             // the file that is coming in
  std::string member_name_;
  std::uint64_t member_size_ = 0;
};

}  // namespace mailroom::documents
