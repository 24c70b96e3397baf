// libFuzzer: a whole message, and everything that is made of it.
#include <cstdint>

#include "mime/fence.hpp"
#include "mime/json.hpp"
#include "mime/parse.hpp"
#include "mime/thread.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailroom::mime;
  const std::string raw(reinterpret_cast<const char*>(data), size);
  const Message m = parse(raw);
  to_json(m, {.format = Format::full, .headers = true}).dump();
  render_for_model(m, "0123456789abcdef", {.headers = true});
  Draft draft = reply_draft(m, {}, true);
  draft.from = {{"Me", "me@example.org", ""}};
  draft.text = quote_text(m);
  draft.html = quote_html(m);
  if (!draft.to.empty()) {  // whatever a stranger wrote, an answer to it can be composed
    const auto composed = compose(draft, {0, "token-01234567", "seed-01234567"}, {.max_recipients = 100'000});
    if (composed.bytes.find('\0') != std::string::npos) __builtin_trap();
    for (std::size_t i = 0; i < composed.bytes.size(); ++i) {
      const char c = composed.bytes[i];
      if (c == '\r' && (i + 1 == composed.bytes.size() || composed.bytes[i + 1] != '\n')) __builtin_trap();
      if (c == '\n' && (i == 0 || composed.bytes[i - 1] != '\r')) __builtin_trap();
    }
  }
  for (const auto& a : m.attachments)
    if (!decode_part(raw, a.part)) __builtin_trap();
  return 0;
}
