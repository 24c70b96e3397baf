#include "tools/preview.hpp"

#include "mime/json.hpp"
#include "mime/parse.hpp"
#include "outbox/outbox.hpp"
#include "tools/outcome.hpp"

namespace mailroom::tools {

aoh::Result preview_result(const Toolbox& box, const outbox::Store::Entry& entry, const std::string& key) {
  const outbox::Record& r = entry.record;
  const std::string bytes = box.outbox.store().bytes(r);
  constexpr std::size_t kMostHeader = 64u << 10;
  aoh::Json recipients = aoh::Json::array();
  for (const std::string& a : r.to) recipients.push(aoh::Json{{"address", a}, {"accepted", false}});
  mime::RenderOptions full;
  full.format = mime::Format::full;
  aoh::Json shown = mime::to_json(mime::parse(bytes), full);
  std::string header = bytes.substr(0, std::min(bytes.find("\r\n\r\n"), kMostHeader));
  std::string text = "Nothing was sent. This is what would go, " + std::to_string(r.size) +
                     " bytes, SHA-256 " + r.sha256 +
                     "; send exactly these bytes with the same arguments and idempotency_key \"" + key +
                     "\".\n\n" + header + "\n\n" + shown["text"].str();
  aoh::Json j{{"state", std::string(name(r.state))},
              {"outbox_id", r.id},
              {"message_id", r.message_id},
              {"size", r.size},
              {"sha256", r.sha256},
              {"from", r.from},
              {"subject", r.subject},
              {"idempotency_key", key},
              {"recipients", std::move(recipients)},
              {"header", std::move(header)},
              {"message", std::move(shown)}};
  if (!r.warnings.empty()) {
    aoh::Json list = aoh::Json::array();
    for (const std::string& w : r.warnings) list.push(w);
    j.set("warnings", std::move(list));
  }
  if (r.send_at_unix_ns != 0) j.set("send_at", utc_text(r.send_at_unix_ns));
  return aoh::Result::ok(std::move(j), std::move(text));
}

}  // namespace mailroom::tools
