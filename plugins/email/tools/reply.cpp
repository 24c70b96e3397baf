#include "tools/reply.hpp"

#include "mime/thread.hpp"
#include "tools/deliver.hpp"
#include "tools/large_files.hpp"
#include "tools/original.hpp"

namespace mailroom::tools {
aoh::Result email_reply(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const std::string credential = credential_of(args, call);
    const host::Account account = box.runtime.services().account(credential);
    SendOptions options = SendOptions::of(box, args);
    options.upload = [&](const outbox::Record& record) { upload_links(box, args, call, account, record); };
    return send_once(box, call, account, send_key(args, call, credential), options, [&] {
      const aoh::Json trigger = trigger_of(box, call);
      const Which which = which_message(args);
      if (args["text"].str().empty() && args["html"].str().empty())
        throw Failure(Errc::invalid, "the answer is empty", "text", "Give text or html");
      call.progress(0, 3, "reading the message to answer");
      const bool quote = args["quote"].boolean();
      OriginalWant want;
      want.text = quote;
      want.keep = keep_of(args, "keep_attachments", false);
      want.max_bytes = box.runtime.config().max_message_bytes;
      Original read = read_original(box, call, account, which, want);
      const mime::Message& original = read.message;
      const std::vector<std::string> own = account.addresses();
      mime::Draft d = mime::reply_draft(original, own, args["reply_all"].boolean());
      d.from = {sender_of(args, account)};
      if (const auto to = addresses_of(args, "to"); !to.empty()) {
        d.to = to;
        if (!args["reply_all"].boolean()) d.cc.clear();
      }
      if (!trigger.is_null()) {
        check_automatic(original, d, own);
        d.auto_submitted = "auto-replied";
      }
      if (d.to.empty() && d.cc.empty())
        throw Failure(Errc::invalid, "the message names nobody to answer", "to", "Give to");
      if (!args["subject"].str().empty()) d.subject = args["subject"].str();
      if (!args["text"].str().empty())
        d.text = args["text"].str() + (quote ? "\n\n" + mime::quote_text(original) : std::string());
      if (!args["html"].str().empty())
        d.html = args["html"].str() + (quote ? "<br><br>" + mime::quote_html(original) : std::string());
      d.attachments = std::move(read.kept);
      aoh::Json plans = attach(box, args, call, account, d);
      d.extra_headers = headers_of(args);
      return Outgoing{compose(box, d), d.subject, std::move(plans), {}};
    });
  });
}

}  // namespace mailroom::tools
