#include "tools/forward.hpp"

#include "mime/forward.hpp"
#include "tools/deliver.hpp"
#include "tools/original.hpp"

namespace mailroom::tools {
namespace {

bool as_attachment(const aoh::Json& args) {
  const std::string how = args["as"].str_or("inline");
  if (how != "inline" && how != "attachment")
    throw Failure(Errc::invalid, "unknown way to forward \"" + printable(how, 32) + "\"", "as",
                  "Use inline or attachment");
  if (how == "attachment" && args.has("attachments"))
    throw Failure(Errc::invalid, "an attached message keeps its attachments", "attachments",
                  "Leave it out, or forward inline");
  return how == "attachment";
}

mime::Draft forwarded(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                      const host::Account& account) {
  const bool attached = as_attachment(args);
  OriginalWant want;
  want.text = !attached;
  want.whole = attached;
  want.max_bytes = box.runtime.config().max_message_bytes;
  if (!attached) want.keep = keep_of(args, "attachments", true);
  // What was given is checked before anything is read.
  const mime::Address from = sender_of(args, account);
  const auto to = addresses_of(args, "to"), cc = addresses_of(args, "cc"), bcc = addresses_of(args, "bcc");
  if (to.empty() && cc.empty() && bcc.empty())
    throw Failure(Errc::invalid, "nobody to forward to", "to", "Give to, cc or bcc");
  call.progress(0, 3, "reading the message to forward");
  Original original = read_original(box, call, account, which_message(args), want);
  mime::Draft d = mime::forward_draft(original.message);
  d.from = {from};
  d.to = to;
  d.cc = cc;
  d.bcc = bcc;
  if (!args["subject"].str().empty()) d.subject = args["subject"].str();
  const std::string& text = args["text"].str();
  const std::string& html = args["html"].str();
  if (attached) {
    d.text = text;
    if (!html.empty()) d.html = html;
    if (text.empty() && d.html) d.text.reset();
    d.attachments.push_back(
        {mime::forward_filename(original.message), "message/rfc822", std::move(original.raw), {}, false});
  } else {
    if (!text.empty() || html.empty())
      d.text = (text.empty() ? "" : text + "\n\n") + mime::forward_text(original.message);
    if (!html.empty()) d.html = html + "<br><br>\n" + mime::forward_html(original.message);
    d.attachments = std::move(original.kept);
  }
  if (!trigger_of(box, call).is_null()) {
    check_automatic(original.message, d, account.addresses());
    d.auto_submitted = "auto-generated";  // it answers nobody (RFC 3834 §5.1)
  }
  return d;
}

}  // namespace

aoh::Result email_forward(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const std::string credential = credential_of(args, call);
    const host::Account account = box.runtime.services().account(credential);
    return send_once(box, call, account, send_key(args, call, credential), SendOptions::of(box, args), [&] {
      const mime::Draft d = forwarded(box, args, call, account);
      return Outgoing{compose(box, d), d.subject, {}, {}};
    });
  });
}

}  // namespace mailroom::tools
