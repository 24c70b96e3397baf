// What the fuzz targets share: one input taken apart, promises that stop the run, the body of a target.
//
// A target is one file, FUZZ_TARGET(NAME) { ... `data` ... }. With MAILROOM_FUZZ it becomes a libFuzzer
// program of its own; else all of them are one program that replays the seed corpus (replay_main.cpp), so
// that a change that breaks a target is seen in every build.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "support/json.hpp"

#define MAILROOM_FUZZ_JOIN2(a, b) a##b
#define MAILROOM_FUZZ_JOIN(a, b) MAILROOM_FUZZ_JOIN2(a, b)
#ifdef MAILROOM_FUZZ_ENGINE
#define FUZZ_TARGET(name)                                                              \
  static void name(std::string_view data);                                             \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) { \
    name(std::string_view(reinterpret_cast<const char*>(bytes), size));                \
    return 0;                                                                          \
  }                                                                                    \
  static void name(std::string_view data)
#else
#define FUZZ_TARGET(name)                                                                       \
  static void name(std::string_view data);                                                      \
  static const ::mailroom::fuzz::Registered MAILROOM_FUZZ_JOIN(registered_, name)(#name, name); \
  static void name(std::string_view data)
#endif

namespace mailroom::fuzz {

using Target = void (*)(std::string_view);
struct Registered {
  Registered(const char* name, Target target);
};

/// A promise of the code under test. `words` say which one was broken.
inline void must(bool holds, const char* words) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", words);
  std::abort();
}
inline void must_be_utf8(std::string_view text, const char* words) {
  must(aoh::valid_utf8(text) == text, words);
}
/// UTF-8 that stays one line wherever it is written.
inline void must_be_a_line(std::string_view text, const char* words) {
  must_be_utf8(text, words);
  must(text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos, words);
}

/// The input from left to right; behind its end there are zeros.
class Input {
 public:
  explicit Input(std::string_view data) : rest_(data) {}
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto b = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return b;
  }
  /// Up to the next line end, which is taken, too.
  std::string_view line() {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return line;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// Cuts bytes into pieces by a small generator, so that the input decides how: 1 to 8 bytes mostly, up to
/// 4,096 at times.
class Pieces {
 public:
  Pieces(std::string_view bytes, std::uint32_t seed) : rest_(bytes), state_(seed * 2654435761u + 1) {}
  bool end() const { return rest_.empty(); }
  std::string_view next() {
    state_ = state_ * 1664525u + 1013904223u;
    const std::uint32_t r = state_ >> 8;
    const std::size_t most = r % 7 == 0 ? 4096 : r % 5 == 0 ? 64 : 8;
    const std::string_view piece = rest_.substr(0, 1 + (r >> 4) % most);
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view rest_;
  std::uint32_t state_;
};

}  // namespace mailroom::fuzz
