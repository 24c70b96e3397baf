// How much memory a message needs beyond its own bytes: every operator new is counted.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "mime/parse.hpp"

namespace {

std::atomic<std::size_t> live{0}, peak{0};

void* counted(std::size_t size) {
  void* p = std::malloc(size ? size : 1);
  if (!p) throw std::bad_alloc();
  const std::size_t now = live += malloc_usable_size(p);
  for (std::size_t seen = peak; now > seen && !peak.compare_exchange_weak(seen, now);) {
  }
  return p;
}

void released(void* p) noexcept {
  if (p) live -= malloc_usable_size(p);
  std::free(p);
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* p) noexcept { released(p); }
void operator delete[](void* p) noexcept { released(p); }
void operator delete(void* p, std::size_t) noexcept { released(p); }
void operator delete[](void* p, std::size_t) noexcept { released(p); }

namespace mailroom::mime {
namespace {

constexpr std::size_t kMegabyte = 1u << 20;

// Bytes above what lived before, at the worst moment.
std::size_t needed(const std::string& raw, Message* message = nullptr) {
  const std::size_t before = live;
  peak = before;
  Message m = parse(raw);
  const std::size_t most = peak - before;
  if (message) *message = std::move(m);
  return most;
}

std::string large(std::string_view encoding, std::string_view line, std::size_t bytes) {
  std::string raw;
  raw.reserve(bytes + 1000);
  raw =
      "Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
      "Content-Type: application/pdf\r\nContent-Transfer-Encoding: ";
  raw.append(encoding).append("\r\n\r\n");
  while (raw.size() < bytes) raw += line;
  return raw += "\r\n--b--\r\n";
}

TEST(Memory, AnAttachmentOf150MegabytesNeedsOneBlock) {
  const std::string line = std::string(76, 'Q') + "\r\n";
  Message m;
  EXPECT_LT(needed(large("base64", line, 150 * kMegabyte), &m), kMegabyte);
  ASSERT_EQ(m.attachments.size(), 1u);
  EXPECT_GT(m.attachments[0].size, 109 * kMegabyte);
  EXPECT_TRUE(m.attachments[0].sha256);
  EXPECT_EQ(m.text, "text");
}

TEST(Memory, NoEncodingCopiesAnAttachment) {
  EXPECT_LT(needed(large("8bit", "x\xff\0y-\r\n", 20 * kMegabyte)), kMegabyte);
  EXPECT_LT(needed(large("quoted-printable", "=41=42", 20 * kMegabyte)), kMegabyte);
  EXPECT_LT(needed(large("x-uuencode", "begin 644 a\nM1234\n", 20 * kMegabyte)), kMegabyte);
  EXPECT_LT(needed(large("x-unknown", "x", 20 * kMegabyte)), kMegabyte);
}

TEST(Memory, ALongTextNeedsNoMoreThanItsLimit) {
  // 6 MB of it are kept, converted and cut at 4 MB: two strings at the worst moment, one of them growing.
  const std::string raw =
      "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n" + std::string(150 * kMegabyte, '\xe4');
  Message m;
  EXPECT_LT(needed(raw, &m), 30 * kMegabyte);
  EXPECT_TRUE(m.truncated);
  EXPECT_LE(m.text->size(), 4 * kMegabyte);
}

std::string repeat(std::string_view s, std::size_t n) {
  std::string out;
  out.reserve(s.size() * n);
  for (std::size_t i = 0; i < n; ++i) out += s;
  return out;
}

// FAULTS, "MIME": whatever the message asks for, what it gets is bounded.
TEST(Memory, HostileMessagesGetNoMoreThanTheirLimits) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) {
    const std::string b = "b" + std::to_string(i);
    deep.append("Content-Type: multipart/mixed; boundary=")
        .append(b)
        .append("\r\n\r\n--")
        .append(b)
        .append("\r\n");
  }
  const std::pair<const char*, std::string> rows[] = {
      {"nested 100,000 deep", deep},
      {"200,000 parts",
       "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeat("--b\r\n\r\nx\r\n", 200'000)},
      {"a header of 1 MB", "Subject: " + std::string(kMegabyte, 'x') + "\r\n\r\n"},
      {"200,000 fields", repeat("A: b\r\n", 200'000) + "\r\n"},
      {"50,000 encoded words", "Subject: " + repeat("=?utf-8?Q?a?= ", 50'000) + "\r\n\r\n"},
      {"20,000 groups", "To: " + repeat("g: a@b, ", 20'000) + "\r\n\r\n"},
      {"150,000 parameters", "Content-Type: a/b" + repeat("; a*1=b", 150'000) + "\r\n\r\nx"},
      {"50,000 attached messages", "Content-Type: multipart/digest; boundary=b\r\n\r\n" +
                                       repeat("--b\r\n\r\nSubject: x\r\n\r\nx\r\n", 50'000)},
      {"base64 of junk", "Content-Transfer-Encoding: base64\r\n\r\n" + repeat("|", 5 * kMegabyte)},
  };
  for (const auto& [what, raw] : rows) EXPECT_LT(needed(raw), 16 * kMegabyte) << what;
}

}  // namespace
}  // namespace mailroom::mime
