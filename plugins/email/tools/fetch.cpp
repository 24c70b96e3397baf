#include "tools/fetch.hpp"

#include "mime/fence.hpp"
#include "mime/parse.hpp"
#include "tools/account_session.hpp"

namespace mailroom::tools {
namespace {

enum class Want { summary, text, raw };

struct Fetched {
  Located at;
  mime::Message message;
  std::string raw;
};

net::Task<Fetched> fetch(imap::Client& client, Which which, Want want, std::size_t max_bytes) {
  Fetched f;
  f.at = co_await locate(client, which);
  if (want == Want::summary) {
    f.message = co_await read::fetch_summary(client, f.at.head);
  } else if (want == Want::text) {
    f.message = co_await read::fetch_text(client, f.at.head);
  } else {
    if (f.at.head.size.value_or(0) > max_bytes)
      throw Failure(
          Errc::limit,
          "the message has " + std::to_string(*f.at.head.size) + " bytes, more than max_message_bytes", "",
          "Use format text, or let the operator raise the limit");
    imap::FetchItems items;
    items.sections = {{"", std::nullopt, 0}};
    const auto row = co_await read::fetch_one(client, f.at.head.uid, items);
    const imap::Section* whole = row ? row->section("") : nullptr;
    if (!whole) throw Failure(Errc::not_found, "the message is gone", printable(which.mailbox, 200));
    f.raw = whole->bytes;
    f.message = mime::parse(f.raw);
  }
  co_return f;
}

}  // namespace

aoh::Result email_fetch(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const host::Services& services = box.runtime.services();
    const host::Account account = services.account(credential_of(args, call));
    const Which which = which_message(args);
    const bool raw = args["format"].str() == "raw";
    mime::RenderOptions options;
    options.format = raw ? mime::Format::summary : format_of(args, mime::Format::text);
    options.headers = args["headers"].boolean();
    options.text_offset = static_cast<std::size_t>(std::max<std::int64_t>(0, args["text_offset"].integer()));
    const Want want = raw ? Want::raw : options.format == mime::Format::summary ? Want::summary : Want::text;
    const Fetched f = imap_call<Fetched>(
        box, call, account,
        [which, want, most = box.runtime.config().max_message_bytes](
            imap::Client& client) -> net::Task<Fetched> { return fetch(client, which, want, most); });
    aoh::Json structured{{"message", read::to_json(f.message, f.at.head, f.at.mailbox, options)}};
    std::string text = mime::render_for_model(f.message, random_token(), options);
    text = "UID " + std::to_string(f.at.head.uid) + " of a mailbox with UIDVALIDITY " +
           std::to_string(f.at.mailbox.uid_validity) + "\n" + text;
    if (raw) {
      structured.set(
          "raw",
          services.make_blob(call.id(),
                             aoh::Json{{"mime_type", "message/rfc822"}, {"filename", "message.eml"}}, f.raw));
      structured.slot("raw").set("blob", structured["raw"]["id"]);
      structured.slot("raw").erase("id");
      text += "\nThe raw message is blob " + structured["raw"]["blob"].str() + ".";
    }
    std::string notice;
    if (const aoh::Json& cut = structured.path("message.truncated.text"); cut.is_object()) {
      const std::int64_t end = cut["offset"].integer() + cut["shown"].integer();
      if (end < cut["total"].integer())
        notice = "The text was cut. Call again with text_offset " + std::to_string(end) + " to read on. ";
    }
    if (f.at.same_id > 1)
      notice += std::to_string(f.at.same_id) +
                " messages carry this Message-ID; this is the newest. Name another by its uid.";
    if (!notice.empty()) {
      structured.set("notice", notice);
      text += "\n" + notice;
    }
    return mail_result(std::move(structured), std::move(text), "email_fetch");
  });
}

}  // namespace mailroom::tools
