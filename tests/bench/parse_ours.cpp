// parse_ours MAILBOX ROUNDS: everything that email_parse reads: all header fields decoded, text and HTML as
// UTF-8, attachments decoded and hashed.
#include "mailbox_file.hpp"
#include "mime/parse.hpp"

int main(int argc, char** argv) {
  return bench::measure(argc, argv, [](const std::vector<std::string_view>& messages) {
    bench::Seen seen;
    for (std::string_view raw : messages) {
      const mailroom::mime::Message m = mailroom::mime::parse(raw);
      ++seen.messages;
      seen.parts += m.attachments.size() + (m.html ? 1 : 0) + (m.text && !m.text_from_html ? 1 : 0);
      for (const auto& a : m.attachments) seen.decoded += a.size;
    }
    return seen;
  });
}
