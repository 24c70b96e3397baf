#include "tools/reply.hpp"

#include "mime/thread.hpp"
#include "tools/deliver.hpp"
#include "tools/large_files.hpp"
#include "tools/original.hpp"
#include "tools/templates.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kMostAddresses = 20;

/// A template's data, with the message that is answered as `email`.
aoh::Json data_of(aoh::Json data, const mime::Message& original) {
  if (data.is_null()) data = aoh::Json::object();
  if (data.has("email")) return data;
  aoh::Json email{{"subject", original.subject.value_or("")}, {"date", original.date.value_or("")}};
  for (const auto& [name, list] : {std::pair{"from", &original.from}, std::pair{"to", &original.to}}) {
    aoh::Json addresses = aoh::Json::array();
    for (const mime::Address& a : *list)
      if (!a.address.empty() && addresses.size() < kMostAddresses)
        addresses.push({{"name", a.name}, {"address", a.address}});
    email.set(name, std::move(addresses));
  }
  return data.set("email", std::move(email));
}

}  // namespace

aoh::Result email_reply(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const std::string credential = credential_of(args, call);
    const host::Account account = box.runtime.services().account(credential);
    SendOptions options = SendOptions::of(box, args);
    options.upload = [&](const outbox::Record& record) { upload_links(box, args, call, account, record); };
    return send_once(box, call, account, send_key(args, call, credential), options, [&] {
      const aoh::Json trigger = trigger_of(box, call);
      const Which which = which_message(args);
      const bool made = !args["template"].str().empty();
      if (!made && args["text"].str().empty() && args["html"].str().empty())
        throw Failure(Errc::invalid, "the answer is empty", "text", "Give text, html or template");
      if (made && (args.has("subject") || args.has("text") || args.has("html")))
        throw Failure(Errc::invalid, "the template makes subject, text and html", "template",
                      "Leave them out, or write the answer without template");
      if (!made && args.has("data"))
        throw Failure(Errc::invalid, "data is for a template, and none is named", "data", "Give template");
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
      if (!trigger.is_null() || args["automatic"].boolean()) {
        check_automatic(original, d, own);
        d.auto_submitted = "auto-replied";
      }
      if (d.to.empty() && d.cc.empty())
        throw Failure(Errc::invalid, "the message names nobody to answer", "to", "Give to");
      if (made) {
        RenderedMail mail = render_mail(box, args["template"].str(), data_of(args["data"], original));
        if (!mail.subject.empty()) d.subject = std::move(mail.subject);
        if (mail.text) d.text = *mail.text + (quote ? "\n\n" + mime::quote_text(original) : std::string());
        if (mail.html)
          d.html = *mail.html + (quote ? "<br><br>" + mime::quote_html(original) : std::string());
      }
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
