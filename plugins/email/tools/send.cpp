#include "tools/send.hpp"

#include "tools/deliver.hpp"
#include "tools/draft.hpp"
#include "tools/large_files.hpp"

namespace mailroom::tools {

aoh::Result email_send(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const std::string credential = credential_of(args, call);
    const host::Account account = box.runtime.services().account(credential);
    SendOptions options = SendOptions::of(box, args);
    if (options.draft)
      return stored_result(store_draft(box, args, call, account, draft_of(box, args, call, account)),
                           "create");
    options.upload = [&](const outbox::Record& record) { upload_links(box, args, call, account, record); };
    return send_once(box, call, account, send_key(args, call, credential), options, [&] {
      mime::Draft d = draft_without_files(box, args, call, account);
      aoh::Json plans = attach(box, args, call, account, d);
      if (d.to.empty() && d.cc.empty() && d.bcc.empty())
        throw Failure(Errc::invalid, "nobody to send to", "to", "Give to, cc or bcc");
      if (!d.text && !d.html && d.attachments.empty())
        throw Failure(Errc::invalid, "nothing to send", "text", "Give text, html or attachments");
      return Outgoing{compose(box, d), d.subject, std::move(plans), {}};
    });
  });
}

}  // namespace mailroom::tools
