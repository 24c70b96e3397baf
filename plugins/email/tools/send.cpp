#include "tools/send.hpp"

#include "tools/deliver.hpp"

namespace mailroom::tools {

aoh::Result email_send(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const std::string credential = credential_of(args, call);
    const host::Account account = box.runtime.services().account(credential);
    const SendOptions options = SendOptions::of(box, args);
    return send_once(box, call, account, send_key(args, call, credential), options, [&] {
      const mime::Draft d = draft_of(box, args, call, account);
      if (d.to.empty() && d.cc.empty() && d.bcc.empty())
        throw Failure(Errc::invalid, "nobody to send to", "to", "Give to, cc or bcc");
      if (!d.text && !d.html && d.attachments.empty())
        throw Failure(Errc::invalid, "nothing to send", "text", "Give text, html or attachments");
      return Outgoing{compose(box, d), d.subject, {}, {}};
    });
  });
}

}  // namespace mailroom::tools
