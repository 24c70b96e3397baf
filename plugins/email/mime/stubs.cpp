// Placeholders until the real code lands, so that what is built on the headers links.
#include "mime/compose.hpp"
#include "mime/fence.hpp"
#include "mime/json.hpp"
#include "mime/parse.hpp"
#include "mime/thread.hpp"

namespace mailroom::mime {
Message parse(std::string_view, const ParseLimits&) { return {}; }
Message parse_headers(std::string_view, const ParseLimits&) { return {}; }
std::optional<DecodedPart> decode_part(std::string_view, std::string_view, const ParseLimits&) { return {}; }
DecodedPart decode_body(std::string_view, std::string_view) { return {}; }
std::string to_utf8_text(std::string_view, std::string_view) { return {}; }
std::string decode_header(std::string_view) { return {}; }
std::vector<Address> parse_addresses(std::string_view, std::size_t) { return {}; }
std::optional<ParsedDate> parse_date(std::string_view) { return {}; }
std::string html_to_text(std::string_view, std::size_t) { return {}; }
aoh::Json to_json(const Message&, const RenderOptions&) { return {}; }
std::string fence(std::string_view, std::string_view, std::string_view) { return {}; }
std::string neutralise(std::string_view, std::string_view) { return {}; }
std::string render_for_model(const Message&, std::string_view, const RenderOptions&) { return {}; }
Composed compose(const Draft&, const ComposeContext&, const ComposeLimits&) { return {}; }
std::string address_problem(std::string_view) { return {}; }
std::string safe_filename(std::string_view) { return {}; }
Threading reply_threading(const Message&, std::size_t) { return {}; }
std::string reply_subject(std::string_view) { return {}; }
std::string forward_subject(std::string_view) { return {}; }
std::string base_subject(std::string_view) { return {}; }
Recipients reply_recipients(const Message&, const std::vector<std::string>&, bool) { return {}; }
std::string quote_text(const Message&, std::size_t) { return {}; }
std::string quote_html(const Message&, std::size_t) { return {}; }
std::string text_to_html(std::string_view) { return {}; }
Draft reply_draft(const Message&, const std::vector<std::string>&, bool) { return {}; }
}  // namespace mailroom::mime
