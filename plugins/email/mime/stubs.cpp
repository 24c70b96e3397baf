// Placeholders until the real code lands, so that what is built on the headers links.
#include "mime/compose.hpp"
#include "mime/fence.hpp"
#include "mime/json.hpp"
#include "mime/parse.hpp"
#include "mime/thread.hpp"

namespace mailroom::mime {
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
