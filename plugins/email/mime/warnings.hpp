// Collects a message's warnings, each once (internal to mime/). The codes are listed in docs/mime.md.
#pragma once
#include <string>
#include <string_view>

#include "mime/message.hpp"
#include "support/json.hpp"

namespace mailroom::mime {

class Warnings {
 public:
  explicit Warnings(Message& message) : message_(message) {}

  /// At most 200 of them; `detail` is cut at 200 bytes.
  void add(std::string_view code, std::string_view detail) {
    constexpr std::size_t kMost = 200;
    const std::string clean = aoh::valid_utf8(detail);  // it may quote what a sender wrote, cut anywhere
    detail = aoh::utf8_prefix(clean, 200);
    for (const auto& w : message_.warnings)
      if (w.code == code && w.detail == detail) return;
    if (message_.warnings.size() < kMost)
      message_.warnings.push_back({std::string(code), std::string(detail)});
  }

  /// Something was left out.
  void limit(std::string_view code, std::string_view detail) {
    message_.truncated = true;
    add(code, detail);
  }

 private:
  Message& message_;
};

/// `text` (valid UTF-8) without the characters that draw nothing, which are told (SPEC §6). `reading`: as in
/// clean_invisible().
void clean(std::string& text, bool reading, Warnings& warnings);

}  // namespace mailroom::mime
