// parse_gmime MAILBOX ROUNDS: GMime reads each message from memory, decodes subject and addresses, and every
// part's transfer encoding into memory. It converts no charset and hashes nothing.
#include <gmime/gmime.h>

#include "mailbox_file.hpp"

namespace {

void leaf(GMimeObject*, GMimeObject* part, gpointer data) {
  if (!GMIME_IS_PART(part)) return;
  auto& seen = *static_cast<bench::Seen*>(data);
  GMimeStream* out = g_mime_stream_mem_new();
  if (GMimeDataWrapper* content = g_mime_part_get_content(GMIME_PART(part)))
    g_mime_data_wrapper_write_to_stream(content, out);
  ++seen.parts;
  if (!GMIME_IS_TEXT_PART(part)) seen.decoded += static_cast<std::size_t>(g_mime_stream_length(out));
  g_object_unref(out);
}

}  // namespace

int main(int argc, char** argv) {
  g_mime_init();
  return bench::measure(argc, argv, [](const std::vector<std::string_view>& messages) {
    bench::Seen seen;
    for (std::string_view raw : messages) {
      GMimeStream* stream = g_mime_stream_mem_new_with_buffer(raw.data(), raw.size());
      GMimeParser* parser = g_mime_parser_new_with_stream(stream);
      g_object_unref(stream);
      GMimeMessage* message = g_mime_parser_construct_message(parser, nullptr);
      g_object_unref(parser);
      if (!message) continue;
      ++seen.messages;
      (void)g_mime_message_get_subject(message);
      (void)g_mime_message_get_from(message);
      (void)g_mime_message_get_to(message);
      g_mime_message_foreach(message, leaf, &seen);
      g_object_unref(message);
    }
    return seen;
  });
}
