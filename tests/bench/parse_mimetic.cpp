// parse_mimetic MAILBOX ROUNDS: mimetic alone, without guards: its tree of entities, and the transfer
// encodings undone.
#include <mimetic/mimetic.h>

#include <iterator>

#include "mailbox_file.hpp"

namespace {

template <class Codec>
std::size_t decoded(const std::string& body, Codec codec) {
  std::string out;
  out.reserve(body.size());
  codec.process(body.begin(), body.end(), std::back_inserter(out));
  return out.size();
}

void walk(mimetic::MimeEntity& entity, bench::Seen& seen) {
  if (!entity.body().parts().empty()) {
    for (auto* part : entity.body().parts()) walk(*part, seen);
    return;
  }
  ++seen.parts;
  const std::string encoding = entity.header().contentTransferEncoding().str();
  std::size_t size = entity.body().size();
  if (encoding == "base64") size = decoded(entity.body(), mimetic::Base64::Decoder());
  if (encoding == "quoted-printable") size = decoded(entity.body(), mimetic::QP::Decoder());
  if (entity.header().contentType().type() != "text") seen.decoded += size;
}

}  // namespace

int main(int argc, char** argv) {
  return bench::measure(argc, argv, [](const std::vector<std::string_view>& messages) {
    bench::Seen seen;
    for (std::string_view raw : messages) {
      mimetic::MimeEntity entity;
      entity.load(raw.begin(), raw.end());
      ++seen.messages;
      walk(entity, seen);
    }
    return seen;
  });
}
