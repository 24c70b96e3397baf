#include "tools/reply.hpp"

#include "mime/thread.hpp"
#include "policy/loop_guard.hpp"
#include "tools/account_session.hpp"
#include "tools/attachments.hpp"
#include "tools/deliver.hpp"

namespace mailroom::tools {
namespace {

void guard(const policy::Verdict& verdict) {
  if (verdict) return;
  throw Failure(Errc::refused, "no automatic answer to this message: " + verdict.why,
                "loop guard: " + verdict.rule, "This is final. Finish without answering");
}

net::Task<mime::Message> read_original(imap::Client& client, Which which, bool with_text) {
  const Located at = co_await locate(client, which);
  if (with_text) co_return co_await read::fetch_text(client, at.head);
  co_return co_await read::fetch_summary(client, at.head);
}

}  // namespace

aoh::Result email_reply(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const std::string credential = credential_of(args, call);
    const host::Account account = box.runtime.services().account(credential);
    const SendOptions options = SendOptions::of(box, args);
    return send_once(box, call, account, send_key(args, call, credential), options, [&] {
      const aoh::Json trigger = trigger_of(box, call);
      const Which which = which_message(args);
      if (args["text"].str().empty() && args["html"].str().empty())
        throw Failure(Errc::invalid, "the answer is empty", "text", "Give text or html");
      call.progress(0, 3, "reading the message to answer");
      const bool quote = args["quote"].boolean();
      const mime::Message original = imap_call<mime::Message>(
          box, call, account, [which, quote](imap::Client& client) -> net::Task<mime::Message> {
            return read_original(client, which, quote);
          });
      const std::vector<std::string> own = account.addresses();
      mime::Draft d = mime::reply_draft(original, own, args["reply_all"].boolean());
      d.from = {sender_of(args, account)};
      if (const auto to = addresses_of(args, "to"); !to.empty()) {
        d.to = to;
        if (!args["reply_all"].boolean()) d.cc.clear();
      }
      if (!trigger.is_null()) {
        guard(policy::may_auto_reply(original, own));
        for (const auto* list : {&d.to, &d.cc})
          for (const mime::Address& a : *list) guard(policy::may_auto_reply_to(a.address, own));
        d.auto_submitted = "auto-replied";
      }
      if (d.to.empty() && d.cc.empty())
        throw Failure(Errc::invalid, "the message names nobody to answer", "to", "Give to");
      if (!args["subject"].str().empty()) d.subject = args["subject"].str();
      if (!args["text"].str().empty())
        d.text = args["text"].str() + (quote ? "\n\n" + mime::quote_text(original) : std::string());
      if (!args["html"].str().empty())
        d.html = args["html"].str() + (quote ? "<br><br>" + mime::quote_html(original) : std::string());
      d.attachments = attachments_of(box, args, call);
      d.extra_headers = headers_of(args);
      return Outgoing{compose(box, d), d.subject, {}, {}};
    });
  });
}

}  // namespace mailroom::tools
