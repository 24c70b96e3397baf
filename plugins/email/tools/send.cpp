#include "tools/send.hpp"

#include "tools/deliver.hpp"

namespace mailroom::tools {

aoh::Result email_send(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const std::string credential = credential_of(args, call);
    const host::Account account = box.runtime.services().account(credential);
    return send_once(box, call, account, send_key(args, call, credential), [&] {
      mime::Draft d;
      d.from = {sender_of(args, account)};
      d.to = addresses_of(args, "to");
      d.cc = addresses_of(args, "cc");
      d.bcc = addresses_of(args, "bcc");
      d.reply_to = addresses_of(args, "reply_to");
      d.subject = args["subject"].str();
      if (!args["text"].str().empty()) d.text = args["text"].str();
      if (!args["html"].str().empty()) d.html = args["html"].str();
      d.attachments = attachments_of(box, args, call);
      if (d.to.empty() && d.cc.empty() && d.bcc.empty())
        throw Failure(Errc::invalid, "nobody to send to", "to", "Give to, cc or bcc");
      if (!d.text && !d.html && d.attachments.empty())
        throw Failure(Errc::invalid, "nothing to send", "text", "Give text, html or attachments");
      // A session that a message opened acts by itself (RFC 3834 §5).
      if (!trigger_of(box, call).is_null()) d.auto_submitted = "auto-generated";
      return d;
    });
  });
}

}  // namespace mailroom::tools
