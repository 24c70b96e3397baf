// What the tests of composing share.
#pragma once
#include <gtest/gtest.h>

#include "mime/compose.hpp"

namespace mailroom::mime {

inline const ComposeContext kContext{1'795'462'600, "token-0123456789", "seed-0123456789"};

inline Draft simple() {
  Draft d;
  d.from = {{"Joe Blow", "joe@example.org", ""}};
  d.to = {{"", "ann@example.net", ""}};
  d.subject = "Hello";
  d.text = "Hi Ann,\n\nbye\n";
  return d;
}

// The wire's rules: CRLF only, no NUL, lines of 998, header lines of 78 where they can be folded.
inline void check_wire(const std::string& bytes) {
  std::size_t line = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    ASSERT_NE(c, '\0');
    if (c == '\r') {
      ASSERT_EQ(bytes[i + 1], '\n') << "bare CR at " << i;
    } else if (c == '\n') {
      ASSERT_EQ(bytes[i - 1], '\r') << "bare LF at " << i;
      line = 0;
      continue;
    }
    ++line;
    ASSERT_LE(line, 999u);
  }
  ASSERT_TRUE(bytes.ends_with("\r\n"));
}

}  // namespace mailroom::mime
