#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/error.hpp"
#include "module/work.hpp"

namespace mailroom::documents {
namespace {

constexpr aoh::JsonLimits kFrameJson{64u << 10, 16, 10'000};
constexpr std::size_t kMaxFacts = 64;

// A file without a name: gone when it is closed, whatever happens.
int temporary_file(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string path = folder + "/mailroom-document-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(path.c_str());
  return named;
}

}  // namespace

bool Conversation::take(std::string_view bytes) {
  reader_.feed(bytes);
  FrameReader::Taken frame;
  while (reader_.next(frame))
    if (!one(frame)) return false;
  if (reader_.broken()) {
    failed = Failed{"crashed", "the parser broke off with nonsense: " + reader_.why(),
                    "The file is damaged or hostile"};
    return false;
  }
  return !reader_.raw() || pages(reader_.take_raw());
}

void Conversation::end() {
  if (!work_.result.stopped) work_.take_text(cleaner_.finish());
  if (raw() && depth_ == 0) work_.result.facts.set("pages", any_ ? page_ : 0);
}

bool Conversation::one(const FrameReader::Taken& f) try {
  switch (f.type) {
    case Frame::hello:
      if (depth_ == 0) work_.result.sandbox = aoh::Json::parse(f.payload, kFrameJson);
      return true;
    case Frame::facts: {
      const aoh::Json said = aoh::Json::parse(f.payload, kFrameJson);
      for (const auto& [key, value] : said.members())
        if (facts.size() < kMaxFacts || facts.has(key)) facts.set(key, value);
      return true;
    }
    case Frame::mark:
      return mark(f.payload);
    case Frame::text:
      return work_.take_text(cleaner_.feed(f.payload));
    case Frame::warning: {
      const aoh::Json w = aoh::Json::parse(f.payload, kFrameJson);
      work_.warn(printable(w["code"].str(), 64),
                 (within_.empty() ? "" : within_ + ": ") + printable(w["detail"].str(), 400));
      return true;
    }
    case Frame::member:
      return begin_member(printable(aoh::Json::parse(f.payload, kFrameJson)["name"].str(), 255));
    case Frame::member_data:
      return add_member(f.payload);
    case Frame::member_end:
      return end_member();
    case Frame::failed: {
      const aoh::Json why = aoh::Json::parse(f.payload, kFrameJson);
      failed = Failed{printable(why["code"].str(), 32), printable(why["what"].str(), 400),
                      printable(why["cure"].str(), 200)};
      return true;
    }
    case Frame::raw_text:
      return next_page();
    case Frame::done:
      return true;
  }
  return true;
} catch (const aoh::JsonError&) {
  failed = Failed{"crashed", "the parser broke off with nonsense: a frame that is no JSON",
                  "The file is damaged or hostile"};
  return false;
}

bool Conversation::mark(std::string_view words) {
  if (!work_.take_text(cleaner_.finish())) return false;
  const std::string shown = printable(words, 150);
  return work_.to_.mark(within_.empty() ? shown
                                        : std::string(aoh::utf8_prefix(within_, 120)) + ", " + shown) ||
         stop();
}

bool Conversation::stop() {
  work_.result.stopped = true;
  return false;
}

bool Conversation::pages(std::string_view bytes) {
  while (!bytes.empty()) {
    if (page_ended_ && !next_page()) return false;
    page_ended_ = false;
    const std::size_t end = bytes.find('\f');
    any_ = true;
    if (!work_.take_text(cleaner_.feed(bytes.substr(0, end)))) return false;
    if (end == bytes.npos) break;
    bytes.remove_prefix(end + 1);
    page_ended_ = true;
  }
  return true;
}

bool Conversation::begin_member(std::string name) {
  member_name_ = std::move(name);
  member_size_ = 0;
  if (++work_.members_ > kMaxMembers) {
    work_.warn("limit_members", "only the first " + std::to_string(kMaxMembers) + " files were read");
    return true;
  }
  member_.fd = temporary_file(work_.means_.work_folder);
  if (member_.fd < 0) work_.warn("disk", "a file of the archive was not read: no room for a temporary file");
  return true;
}

bool Conversation::add_member(std::string_view bytes) {
  work_.unpacked_ += bytes.size();
  if (work_.unpacked_ > kMaxUnpacked) {
    member_.close();
    failed = Failed{"limit", "it unpacks to more than " + std::to_string(kMaxUnpacked >> 20) + " MiB",
                    "Send the files apart"};
    return false;
  }
  while (member_.fd >= 0 && !bytes.empty()) {
    const ssize_t n = ::write(member_.fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      work_.warn("disk", "a file of the archive was not read: the disk is full");
      member_.close();
      break;
    }
    member_size_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool Conversation::end_member() {
  if (member_.fd < 0) return true;
  const OwnFd file{std::exchange(member_.fd, -1)};
  ::lseek(file.fd, 0, SEEK_SET);
  const std::string within =
      within_.empty() ? member_name_ : std::string(aoh::utf8_prefix(within_, 100)) + " / " + member_name_;
  if (!work_.to_.mark("file " + std::string(aoh::utf8_prefix(within, 180)))) return stop();
  work_.document({file.fd, member_size_, member_name_, "", document_.max_pages}, within, depth_ + 1);
  return !work_.result.stopped && !work_.result.cancelled;
}

}  // namespace mailroom::documents
