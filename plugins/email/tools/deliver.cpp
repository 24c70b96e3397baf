#include "tools/deliver.hpp"

#include <atomic>

#include "host/files.hpp"
#include "smtp/client.hpp"
#include "tools/base64.hpp"

namespace mailroom::tools {
namespace {

constexpr const char* kUncertainCure =
    "Do not send it again. A person looks whether it arrived, then settles it: host-stub outbox resolve";

aoh::Json outcome_json(const OutboxRecord& r, bool repeated) {
  aoh::Json j{{"state", std::string(name(r.state))},
              {"outbox_id", r.id},
              {"message_id", r.message_id},
              {"size", r.size},
              {"from", r.from},
              {"subject", r.subject}};
  j.set_if(repeated, "repeated", true);
  aoh::Json recipients = r.recipients;
  if (!recipients.is_array() ||
      r.resolved_by.size()) {  // settled by a person: the server's words are not known
    recipients = aoh::Json::array();
    for (const std::string& a : r.to)
      recipients.push(aoh::Json{{"address", a}, {"accepted", r.state == OutboxState::sent}});
  }
  j.set("recipients", std::move(recipients));
  return j;
}

aoh::Result uncertain_result(const OutboxRecord& r, bool repeated) {
  Error e{Errc::state,
          "it is not known whether the message was sent: the connection or the program broke at its end",
          "outbox/" + r.id, r.error["server_said"].str(), kUncertainCure};
  aoh::Json extra = outcome_json(r, repeated);
  return error_result(e, extra);
}

aoh::Result recorded_result(const OutboxRecord& r, bool repeated) {
  if (r.state == OutboxState::uncertain) return uncertain_result(r, repeated);
  aoh::Json j = outcome_json(r, repeated);
  if (r.state != OutboxState::sent) {
    Error e{Errc::refused, r.error["what"].str_or("the server refused the message"), r.error["where"].str(),
            r.error["server_said"].str(), r.error["cure"].str()};
    if (r.state == OutboxState::failed) e.code = Errc::temporary;
    aoh::Result result = error_result(e, j);
    if (!r.error.is_null()) result.body.slot("structuredContent").set("error", r.error);
    return result;
  }
  std::size_t accepted = 0;
  std::string refused;
  for (const aoh::Json& a : j["recipients"].items()) {
    if (a["accepted"].boolean())
      ++accepted;
    else
      refused += "\nNot to " + a["address"].str() + "; the server said: \"" + a["server_said"].str() + "\"";
  }
  std::string text = std::string(repeated ? "Sent before, with this key: to " : "Sent to ") +
                     std::to_string(accepted) + " of " + std::to_string(j["recipients"].size()) +
                     " recipients. Message-ID <" + r.message_id + ">, " + std::to_string(r.size) + " bytes." +
                     refused;
  return aoh::Result::ok(std::move(j), std::move(text));
}

// Writes the outcome. Meanwhile a person may have settled the record, taking it for a dead program's: what
// the server answered counts for more, and a message that was sent must not stand there as one to send.
void save_outcome(const Outbox& outbox, Outbox::Entry& entry) {
  try {
    outbox.save(entry);
  } catch (const Failure&) {
    const auto now = outbox.find(entry.record.id);
    if (!now || now->version == entry.version) throw;
    entry.version = now->version;
    outbox.save(entry);
  }
}

// The network part. Holds everything it needs: it may outlive the call, which learns from `committed` whether
// the server may have the message.
net::Task<OutboxRecord> transmit(host::Runtime& runtime, const Outbox& outbox, std::shared_ptr<host::Job> job,
                                 [[maybe_unused]] std::shared_ptr<Outbox::Claim> claim, Outbox::Entry entry,
                                 std::string bytes, smtp::Login login,
                                 std::shared_ptr<std::atomic<bool>> committed, net::Executor executor) {
  const std::string where = login.endpoint.where();
  // A failure before the final dot: nothing was sent, the same bytes may go another time.
  const auto failed = [&](const Error& e) {
    entry.record.state = OutboxState::failed;
    entry.record.error = error_json(e);
    outbox.save(entry);
  };
  std::unique_ptr<smtp::Client> client;
  try {
    client = co_await smtp::Client::connect(executor, runtime.net(), std::move(login),
                                            runtime.trace("smtp " + where));
    job->check();
  } catch (const Failure& f) {
    failed(f.error);
    throw;
  }
  smtp::Envelope envelope{entry.record.from, entry.record.to, bytes.size(), false, entry.record.smtputf8};
  auto abortable = std::make_unique<host::Job::Abortable>(*job, [&c = *client] { c.abort(); });
  smtp::Outcome outcome;
  std::exception_ptr not_sent;
  try {
    outcome = co_await client->deliver(envelope, bytes, [&] {
      // From here on a cut makes an outcome that nobody knows: let the answer come, whoever waits for it.
      abortable.reset();
      job->check();
      entry.record.state = OutboxState::committing;
      ++entry.record.attempts;
      outbox.save(entry);
      *committed = true;
    });
  } catch (const Failure& f) {
    not_sent = std::current_exception();
    if (!*committed) failed(f.error);
  } catch (...) {
    not_sent = std::current_exception();
  }
  abortable.reset();
  if (not_sent) std::rethrow_exception(not_sent);
  entry.record.take(outcome);
  entry.record.error = outcome.error ? error_json(outcome.error) : aoh::Json();
  try {
    save_outcome(outbox, entry);
  } catch (const std::exception& e) {
    // The truth is known now and told; the record still says `committing`, which never sends again.
    runtime.services().log.error("the outbox record could not be written after sending",
                                 aoh::Json{{"outbox_id", entry.record.id}, {"what", e.what()}});
  }
  if (outcome.connection_ok) co_await client->quit();
  co_return entry.record;
}

}  // namespace

SendKey send_key(const aoh::Json& args, const aoh::Call& call, const std::string& credential_id) {
  const aoh::Json& context = call.context();
  if (const std::string& own = args["idempotency_key"].str(); !own.empty()) {
    // A key is one caller's word: "reply-1" of one session is not that of another.
    const std::string scope = context["session_id"].str_or(context["agent_id"].str_or("operator"));
    aoh::Json rest = args;
    rest.erase("idempotency_key");
    return {Outbox::id_of(credential_id, scope, own), sha256_hex(rest.dump())};
  }
  const std::string& hosts = context["idempotency_key"].str();
  if (!hosts.empty()) return {Outbox::id_of(credential_id, "host", hosts), {}};
  return {Outbox::id_of(credential_id, "call", call.id()), {}};
}

mime::Address sender_of(const aoh::Json& args, const host::Account& account) {
  std::string wanted = args["from"].str();
  if (wanted.empty()) return {account.identities.front().name, account.identities.front().address, {}};
  const auto parsed = addresses_of(args, "from");
  if (parsed.size() == 1) wanted = parsed.front().address;
  if (const host::Identity* i = account.identity(wanted)) return {i->name, i->address, {}};
  throw Failure(Errc::refused, "the account may not send as " + printable(wanted, 200), "from",
                "Use one of its identities; the operator adds them to the credential");
}

std::vector<mime::DraftAttachment> attachments_of(const Toolbox& box, const aoh::Json& args,
                                                  const aoh::Call& call) {
  std::vector<mime::DraftAttachment> out;
  std::size_t left = box.runtime.config().max_message_bytes;
  const aoh::Json::Array& items = args["attachments"].items();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const aoh::Json& a = items[i];
    const std::string field = "attachments[" + std::to_string(i) + "]";
    if (a.has("blob") + a.has("base64") + a.has("path") != 1)
      throw Failure(Errc::invalid, "an attachment needs exactly one of blob, base64 and path", field);
    mime::DraftAttachment d;
    d.filename = a["filename"].str();
    d.mime_type = a["mime_type"].str();
    if (a.has("blob")) {
      d.bytes = box.runtime.services().blob(a["blob"].str(), call.id(), left);
      const aoh::Json info = box.runtime.services().blobs.stat(a["blob"].str(), call.id());
      if (d.filename.empty()) d.filename = info["filename"].str();
      if (d.mime_type.empty()) d.mime_type = info["mime_type"].str();
    } else if (a.has("base64")) {
      d.bytes = decode_base64(a["base64"].str(), field + ".base64");
    } else {
      const std::string& path = a["path"].str();
      const std::string& root = box.runtime.config().files_root;
      if (!call.from_operator() && root.empty())
        throw Failure(Errc::refused, "files by path are not open to agents", field + ".path",
                      "Use a blob, or let the operator set files_root");
      d.bytes = host::read_file(path, call.from_operator() ? std::string() : root, left);
      if (d.filename.empty()) d.filename = path.substr(path.rfind('/') + 1);
    }
    if (d.bytes.size() > left)
      throw Failure(Errc::limit,
                    "the attachments have more than " +
                        std::to_string(box.runtime.config().max_message_bytes) + " bytes",
                    field);
    left -= d.bytes.size();
    if (d.filename.empty()) d.filename = "attachment";
    out.push_back(std::move(d));
  }
  return out;
}

aoh::Json trigger_of(const Toolbox& box, const aoh::Call& call) {
  const aoh::Sessions& sessions = box.runtime.services().sessions;
  if (!sessions || call.id().empty() || call.context()["session_id"].str().empty()) return {};
  return sessions.current(call.id())["trigger"];
}

aoh::Result send_once(const Toolbox& box, aoh::Call& call, const host::Account& account, const SendKey& key,
                      const std::function<mime::Draft()>& draft) {
  if (!account.smtp)
    throw Failure(Errc::config, "the account has no SMTP server", "credential " + account.id + ": smtp",
                  "Add it with host-stub credential add");
  const host::Services& services = box.runtime.services();
  std::shared_ptr<Outbox::Claim> claim = box.outbox.claim(key.outbox_id);
  if (!claim)
    throw Failure(Errc::temporary, "the same message is being sent by another call",
                  "outbox/" + key.outbox_id,
                  "Call again with the same idempotency_key to learn what became of it");
  auto entry = box.outbox.find(key.outbox_id);
  if (entry) {
    OutboxRecord& r = entry->record;
    if (!key.request_sha256.empty() && !r.request_sha256.empty() && key.request_sha256 != r.request_sha256)
      throw Failure(Errc::invalid, "this idempotency_key was used for another message", "idempotency_key",
                    "Use a new key for a new message, the same arguments for the same one");
    switch (next_step(r)) {
      case OutboxStep::answer:
        // A person may have settled it, which frees nothing; the answer does not hang on it.
        if (!r.blob.empty() && r.state != OutboxState::uncertain) try {
            box.outbox.save(*entry);
          } catch (const std::exception&) {  // the next answer tries again
          }
        return recorded_result(r, true);
      case OutboxStep::call_uncertain:
        r.state = OutboxState::uncertain;
        box.outbox.save(*entry);
        return uncertain_result(r, true);
      case OutboxStep::send:
        break;
    }
  } else {
    const mime::Draft d = draft();
    mime::ComposeContext context;
    context.unix_seconds = services.clock.wall_ns() / 1'000'000'000;
    context.message_id_unique = random_token(26);
    context.boundary_seed = random_token(26);
    mime::ComposeLimits limits;
    limits.max_message_bytes = box.runtime.config().max_message_bytes;
    const mime::Composed composed = mime::compose(d, context, limits);
    OutboxRecord r;
    r.id = key.outbox_id;
    r.credential_id = account.id;
    r.request_sha256 = key.request_sha256;
    r.session_id = call.context()["session_id"].str();
    r.call_id = call.id();
    entry = box.outbox.prepare(std::move(r), composed, d.subject);
  }
  call.progress(1, 3, "sending");
  std::string bytes = box.outbox.bytes(entry->record);
  smtp::Login login;
  login.endpoint = *account.smtp;
  login.credentials = services.sign_in(account, call.id());
  auto job = std::make_shared<host::Job>(call.id());
  const OutboxRecord sent_with = entry->record;
  // std::function wants a copyable closure; the parts are used once.
  auto parts = std::make_shared<std::tuple<Outbox::Entry, std::string, smtp::Login>>(
      std::move(*entry), std::move(bytes), std::move(login));
  const auto committed = std::make_shared<std::atomic<bool>>(false);
  const auto work = [&runtime = box.runtime, &outbox = box.outbox, job, claim, parts,
                     committed](net::Executor executor) {
    return transmit(runtime, outbox, job, claim, std::move(std::get<0>(*parts)),
                    std::move(std::get<1>(*parts)), std::move(std::get<2>(*parts)), committed,
                    std::move(executor));
  };
  try {
    return recorded_result(box.runtime.run<OutboxRecord>(call, job, work), false);
  } catch (const Failure& f) {
    // "Cancelled" would be an invitation to send it once more. A host's own key makes a repetition safe, and
    // its session goes on from there.
    const bool given_up = f.error.code == Errc::cancelled || f.error.code == Errc::timeout;
    if (!*committed || (given_up && !call.context()["idempotency_key"].str().empty())) throw;
  } catch (const std::exception&) {
    if (!*committed) throw;
  }
  OutboxRecord r = sent_with;
  r.state = OutboxState::uncertain;
  return uncertain_result(r, false);
}

}  // namespace mailroom::tools
