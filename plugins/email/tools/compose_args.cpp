#include "tools/compose_args.hpp"

#include "tools/attachments.hpp"
#include "tools/templates.hpp"

namespace mailroom::tools {

mime::Address sender_of(const aoh::Json& args, const host::Account& account) {
  std::string wanted = args["from"].str();
  if (wanted.empty()) return {account.identities.front().name, account.identities.front().address, {}};
  const auto parsed = addresses_of(args, "from");
  if (parsed.size() == 1) wanted = parsed.front().address;
  if (const host::Identity* i = account.identity(wanted)) return {i->name, i->address, {}};
  throw Failure(Errc::refused, "the account may not send as " + printable(wanted, 200), "from",
                "Use one of its identities; the operator adds them to the credential");
}

aoh::Json trigger_of(const Toolbox& box, const aoh::Call& call) {
  const aoh::Sessions& sessions = box.runtime.services().sessions;
  if (!sessions || call.id().empty() || call.context()["session_id"].str().empty()) return {};
  return sessions.current(call.id())["trigger"];
}

std::vector<std::pair<std::string, std::string>> headers_of(const aoh::Json& args) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& m : args["headers"].members()) out.emplace_back(m.key, m.value.str());
  return out;
}

namespace {

void contents(const Toolbox& box, const aoh::Json& args, mime::Draft& d) {
  const std::string& name = args["template"].str();
  if (name.empty()) {
    if (args.has("data"))
      throw Failure(Errc::invalid, "data is for a template, and none is named", "data",
                    "Give template, or text");
    d.subject = args["subject"].str();
    if (!args["text"].str().empty()) d.text = args["text"].str();
    if (!args["html"].str().empty()) d.html = args["html"].str();
    return;
  }
  for (const char* field : {"subject", "text", "html"})
    if (args.has(field))
      throw Failure(Errc::invalid, "the template makes it", field,
                    "Leave it out, or write the message without template");
  RenderedMail mail = render_mail(box, name, args["data"]);
  d.subject = std::move(mail.subject);
  d.text = std::move(mail.text);
  d.html = std::move(mail.html);
}

}  // namespace

mime::Draft draft_without_files(const Toolbox& box, const aoh::Json& args, const aoh::Call& call,
                                const host::Account& account) {
  mime::Draft d;
  d.from = {sender_of(args, account)};
  d.to = addresses_of(args, "to");
  d.cc = addresses_of(args, "cc");
  d.bcc = addresses_of(args, "bcc");
  d.reply_to = addresses_of(args, "reply_to");
  contents(box, args, d);
  d.extra_headers = headers_of(args);
  // A session that a message opened acts by itself (RFC 3834 §5).
  if (!trigger_of(box, call).is_null()) d.auto_submitted = "auto-generated";
  return d;
}

mime::Draft draft_of(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                     const host::Account& account) {
  mime::Draft d = draft_without_files(box, args, call, account);
  d.attachments = attachments_of(box, args, call, account);
  return d;
}

mime::ComposeContext compose_context(const Toolbox& box) {
  mime::ComposeContext context;
  context.unix_seconds = box.runtime.services().clock.wall_ns() / 1'000'000'000;
  context.message_id_unique = random_token(26);
  context.boundary_seed = random_token(26);
  return context;
}

mime::ComposeLimits compose_limits(const Toolbox& box) {
  mime::ComposeLimits limits;
  limits.max_message_bytes = box.runtime.config().max_message_bytes;
  return limits;
}

mime::Composed compose(const Toolbox& box, const mime::Draft& draft) {
  return mime::compose(draft, compose_context(box), compose_limits(box));
}

}  // namespace mailroom::tools
