#include "tools/deliver.hpp"

#include "host/sha256.hpp"
#include "outbox/schedule.hpp"
#include "tools/large_files.hpp"
#include "tools/outcome.hpp"
#include "tools/preview.hpp"
#include "tools/sign.hpp"

namespace mailroom::tools {
namespace {

using outbox::Record;
using outbox::State;
using outbox::Store;

// The worker looks at a record for a moment only, another call perhaps for minutes.
constexpr std::chrono::milliseconds kClaimPatience{3'000};

std::string scope_of(const aoh::Json& context) {
  return context["session_id"].str_or(context["agent_id"].str_or("operator"));
}

void check_smtp(const host::Account& account) {
  if (!account.smtp)
    throw Failure(Errc::config, "the account has no SMTP server", "credential " + account.id + ": smtp",
                  "Add it with host-stub credential add");
}

Store::Entry prepare(const Toolbox& box, aoh::Call& call, const host::Account& account, const SendKey& key,
                     const SendOptions& options, Outgoing out) {
  if (const auto most = account.limits.recipients_per_message; most && out.mail.envelope_to.size() > *most)
    throw Failure(Errc::limit,
                  "the message has " + std::to_string(out.mail.envelope_to.size()) +
                      " recipients, and the account may give a message " + std::to_string(*most),
                  "credential " + account.id + ": limits.recipients_per_message",
                  "Send several messages, or email_broadcast: each gets one of their own");
  sign(box, account, call.id(), out.mail);
  Record r;
  r.id = key.outbox_id;
  r.credential_id = account.id;
  r.request_sha256 = key.request_sha256;
  r.session_id = call.context()["session_id"].str();
  r.call_id = call.id();
  r.send_at_unix_ns = options.send_at_unix_ns;
  r.require_tls = options.require_tls;
  r.delivery_report = options.delivery_report;
  for (const aoh::Json& row : out.links.items()) r.links.push_back(row["plan"]["id"].str());
  if (!r.links.empty()) save_plans(box, r.id, out.links);
  r.then = std::move(out.then);
  r.state = options.preview ? State::preview : State::prepared;
  return box.outbox.store().prepare(std::move(r), out.mail, out.subject);
}

// The answer for a record on which nothing is to be done; null when it may be sent.
std::optional<aoh::Result> settled(const Toolbox& box, Store::Entry& entry) {
  Record& r = entry.record;
  switch (next_step(r)) {
    case outbox::Step::answer:
      // A person may have settled it, which frees nothing; the answer does not hang on it.
      if (r.over() && !r.blob.empty()) try {
          box.outbox.store().save(entry);
        } catch (const std::exception&) {  // the next answer tries again
        }
      return outcome_result(r, true, box.outbox.resident());
    case outbox::Step::call_uncertain:
      r.state = State::uncertain;
      box.outbox.store().save(entry);
      return uncertain_result(r, true);
    case outbox::Step::send:
      break;
  }
  return std::nullopt;
}

aoh::Result transmit(const Toolbox& box, aoh::Call& call, outbox::Attempt attempt) {
  Record r = attempt.entry.record;
  const auto committed = attempt.committed;
  try {
    return outcome_result(box.outbox.deliver(call, std::move(attempt)), false);
  } catch (const Failure& f) {
    // "Cancelled" would be an invitation to send it once more. A host's own key makes a repetition safe, and
    // its session goes on from there.
    const bool given_up = f.error.code == Errc::cancelled || f.error.code == Errc::timeout;
    if (!*committed || (given_up && !call.context()["idempotency_key"].str().empty())) throw;
  } catch (const std::exception&) {
    if (!*committed) throw;
  }
  r.state = State::uncertain;
  return uncertain_result(r, false);
}

// The message must not go before its files are there; what stopped them is on record, for those who look
// there.
void upload(const Toolbox& box, Store::Entry& entry, const SendOptions& options) {
  try {
    options.upload(entry.record);
  } catch (const Failure& f) {
    if (entry.record.state == State::prepared) {
      entry.record.state = State::failed;
      entry.record.error = error_json(f.error);
      box.outbox.store().save(entry);
    }
    throw;
  }
}

}  // namespace

SendKey send_key(const aoh::Json& args, const aoh::Call& call, const std::string& credential_id) {
  const aoh::Json& context = call.context();
  std::string own = args["idempotency_key"].str();
  if (own.empty() && args["mode"].str() == "preview") own = "preview-" + random_token();
  if (!own.empty()) {
    // A key is one caller's word: "reply-1" of one session is not that of another.
    aoh::Json rest = args;
    rest.erase("idempotency_key");
    rest.erase("mode");  // what was previewed is then sent
    return {Store::id_of(credential_id, scope_of(context), own), host::sha256_hex(rest.dump()), own};
  }
  const std::string& hosts = context["idempotency_key"].str();
  if (!hosts.empty()) return {Store::id_of(credential_id, "host", hosts), {}, {}};
  return {Store::id_of(credential_id, "call", call.id()), {}, {}};
}

void check_same_request(const SendKey& key, std::string_view before_sha256) {
  if (!key.request_sha256.empty() && !before_sha256.empty() && key.request_sha256 != before_sha256)
    throw Failure(Errc::invalid, "this idempotency_key was used for another message", "idempotency_key",
                  "Use a new key for a new message, the same arguments for the same one");
}

SendOptions SendOptions::of(const Toolbox& box, const aoh::Json& args) {
  SendOptions o;
  o.preview = args["mode"].str() == "preview";
  o.draft = args["mode"].str() == "draft";
  o.require_tls = args["require_tls"].boolean();
  o.delivery_report = args["delivery_report"].boolean();
  o.send_at_unix_ns = time_of(args, "send_at");
  const std::int64_t now = box.runtime.services().clock.wall_ns();
  if (o.send_at_unix_ns > now + outbox::kFurthest)
    throw Failure(Errc::invalid, "the time to send lies more than a year ahead", "send_at",
                  "Name a nearer time, or leave it out to send at once");
  if (o.send_at_unix_ns != 0 && o.send_at_unix_ns <= now) o.send_at_unix_ns = 0;
  return o;
}

aoh::Result send_once(const Toolbox& box, aoh::Call& call, const host::Account& account, const SendKey& key,
                      const SendOptions& options, const std::function<Outgoing()>& make) {
  check_smtp(account);
  std::shared_ptr<Store::Claim> claim = box.outbox.store().claim(key.outbox_id, kClaimPatience);
  if (!claim)
    throw Failure(Errc::temporary, "the same message is being sent by another call",
                  "outbox/" + key.outbox_id,
                  "Call again with the same idempotency_key to learn what became of it");
  auto entry = box.outbox.store().find(key.outbox_id);
  if (entry) {
    Record& r = entry->record;
    check_same_request(key, r.request_sha256);
    if (auto answer = settled(box, *entry)) return std::move(*answer);
  } else {
    entry = prepare(box, call, account, key, options, make());
  }
  Record& r = entry->record;
  const aoh::Json plans = plans_of(box, r);
  const auto with_links = [&](aoh::Result result) {
    if (!plans.is_null()) result.body.slot("structuredContent").set("links", links_json(plans));
    return result;
  };
  if (options.preview) return with_links(preview_result(box, *entry, key.told));
  if (!plans.is_null() && options.upload) {
    call.progress(0, 3, "uploading large files");
    upload(box, *entry, options);
  }
  if (r.send_at_unix_ns > box.runtime.services().clock.wall_ns()) {
    r.state = State::queued;
    r.next_attempt_unix_ns = r.send_at_unix_ns;
    r.why_queued = "send_at";
    box.outbox.store().save(*entry);
    box.outbox.wake(r, r.send_at_unix_ns);
    return with_links(outcome_result(r, false, box.outbox.resident()));
  }
  if (r.state == State::preview) {
    r.state = State::prepared;
    box.outbox.store().save(*entry);
  }
  call.progress(1, 3, "sending");
  return with_links(transmit(box, call, {account, std::move(*entry), claim, call.id()}));
}

}  // namespace mailroom::tools
