#include "store/links.hpp"

#include "base/error.hpp"
#include "host/files.hpp"

namespace mailroom::store {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kRemembered = 30 * 24 * 3600 * kSecond;  // records that are over

std::int64_t unix_s(const host::Services& services) { return services.clock.wall_ns() / kSecond; }

using Work = std::function<net::Task<void>(Client&, host::Job&)>;

/// Runs `work` with a client for `account` on the strand `executor`.
net::Task<void> with_client(host::Runtime& runtime, std::shared_ptr<host::Job> job, std::string bearer,
                            Account account, Work work, net::Executor executor) {
  deliver::S3Key key = keys(runtime.services(), account, bearer);
  const std::function<std::int64_t()> now = [services = runtime.services()] { return unix_s(services); };
  const net::TraceSink trace = runtime.trace("s3 " + account.endpoint.where());
  Client client(executor, runtime.net(), std::move(account), std::move(key), now, trace);
  const host::Job::Abortable abortable(*job, [&client] { client.abort(); });
  job->check();
  co_await work(client, *job);
}

/// The same for a call that waits for it, or gives it up.
void with_client(host::Runtime& runtime, aoh::Call& call, const Account& account, const Work& work) {
  auto job = std::make_shared<host::Job>(call.id());
  const std::function<net::Task<bool>(net::Executor)> task =
      [&runtime, job, account, work, bearer = call.id()](net::Executor executor) -> net::Task<bool> {
    co_await with_client(runtime, job, bearer, account, work, executor);
    co_return true;
  };
  runtime.run<bool>(call, job, task);
}

net::Task<void> delete_object(Client& client, LinkRecord& record) {
  if (!record.upload_id.empty()) {
    co_await client.abort_upload(record.object_key, record.upload_id);
    record.upload_id.clear();
  }
  co_await client.remove(record.object_key);
  const std::optional<std::uint64_t> left = co_await client.head(record.object_key);
  if (left)
    throw Failure(Errc::temporary, "the object is still there after it was deleted",
                  client.account().endpoint.where(), "Try again; look at the bucket's object lock");
}

std::string base_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

}  // namespace

File file_at(std::string_view path, std::string_view root, std::string filename) {
  auto open = std::make_shared<host::OpenFile>(path, root);
  File f;
  f.filename = filename.empty() ? base_name(path) : std::move(filename);
  f.content_type = "application/octet-stream";
  f.size = open->size();
  f.read = [open](std::uint64_t offset, std::size_t n) { return open->read(offset, n); };
  return f;
}

File file_of_blob(const host::Services& services, std::string_view blob, std::string_view bearer,
                  std::string filename) {
  const std::string where = "blob " + printable(blob, 200);
  try {
    const aoh::Json info = services.blobs.stat(blob, bearer);
    File f;
    f.filename = filename.empty() ? info["filename"].str_or("attachment") : std::move(filename);
    f.content_type = "application/octet-stream";
    f.size = static_cast<std::uint64_t>(std::max<std::int64_t>(0, info["size"].integer()));
    f.read = [blobs = services.blobs, id = std::string(blob), who = std::string(bearer), where](
                 std::uint64_t offset, std::size_t n) {
      try {
        return blobs.read(id, who, offset, n);
      } catch (const aoh::StatusError& e) {
        throw Failure(host::from_status(e.status, "the blob could not be read", where));
      }
    };
    return f;
  } catch (const aoh::StatusError& e) {
    throw Failure(host::from_status(e.status, "the blob could not be read", where));
  }
}

aoh::Json Plan::json() const {
  return aoh::Json{{"id", id},
                   {"store", store},
                   {"credential_id", credential},
                   {"object_key", object_key},
                   {"content_type", content_type},
                   {"signed_unix_s", signed_s},
                   {"filename", link.filename},
                   {"size", link.size},
                   {"sha256", link.sha256},
                   {"expires_unix_s", link.expires_s},
                   {"url", link.url}};
}

Plan Plan::from(const aoh::Json& j) {
  Plan p;
  p.id = j["id"].str();
  p.store = j["store"].str();
  p.credential = j["credential_id"].str();
  p.object_key = j["object_key"].str();
  p.content_type = j["content_type"].str();
  p.signed_s = j["signed_unix_s"].integer();
  p.link = {j["filename"].str(), static_cast<std::uint64_t>(std::max<std::int64_t>(0, j["size"].integer())),
            j["sha256"].str(), j["expires_unix_s"].integer(), j["url"].str()};
  if (p.id.empty() || p.store.empty() || p.object_key.empty() || p.link.sha256.size() != 64 ||
      p.id != link_id(p.object_key))
    throw Failure(Errc::invalid, "this is not the plan of a link");
  return p;
}

Plan plan(host::Runtime& runtime, aoh::Call& call, std::string_view mail_credential, const File& file,
          std::string_view token, std::int64_t now_s, std::int64_t lifetime_s) {
  const host::Services& services = runtime.services();
  const Account account = link_store_of(services, mail_credential);
  const deliver::S3Key key = keys(services, account, call.id());
  if (file.size > account.max_bytes)
    throw Failure(Errc::limit,
                  "the file has " + deliver::human_size(file.size) + "; the store takes " +
                      deliver::human_size(account.max_bytes),
                  printable(file.filename, 200), "Raise max_bytes in credential " + account.id);
  const std::int64_t life =
      lifetime_s > 0 ? std::min(lifetime_s, account.link_lifetime_s) : account.link_lifetime_s;
  Plan p;
  p.store = account.id;
  p.credential = std::string(mail_credential);
  p.object_key = deliver::object_key(account.prefix, token, file.filename);
  p.id = link_id(p.object_key);
  p.content_type = file.content_type;
  p.signed_s = now_s;
  p.link.filename = file.filename;
  p.link.size = file.size;
  p.link.expires_s = now_s + life;
  p.link.url = download_link(account.bucket, key, p.object_key, file.filename, now_s, life);
  p.link.sha256 = hash_of(file.read, file.size, [&call] {
    if (call.cancelled()) throw Failure(Errc::cancelled, "the call was cancelled");
  });
  return p;
}

Plan plan_of(host::Runtime& runtime, aoh::Call& call, const LinkRecord& record) {
  const Account account = store::account(runtime.services(), record.store);
  const deliver::S3Key key = keys(runtime.services(), account, call.id());
  Plan p;
  p.id = record.id;
  p.store = record.store;
  p.credential = record.credential;
  p.object_key = record.object_key;
  p.content_type = "application/octet-stream";
  p.signed_s = record.signed_s;
  p.link = {record.filename, record.size, record.sha256, record.expires_s, {}};
  p.link.url = download_link(account.bucket, key, record.object_key, record.filename, record.signed_s,
                             record.expires_s - record.signed_s);
  return p;
}

namespace {

/// The record to begin or go on with; nullopt: the file is there already.
std::optional<LinkRecord> opened(const LinkTable& table, const Plan& plan, const File& file,
                                 std::int64_t now_s, std::string message_id, std::string outbox_id) {
  LinkRecord record;
  if (const auto known = table.find(plan.id)) {
    record = *known;
    if (record.is_over())
      throw Failure(Errc::state, std::string("the link is ") + name(record.state), "link " + plan.id,
                    "Make the message anew");
    if (record.state == LinkRecord::State::ready) return std::nullopt;
  }
  if (plan.link.expires_s <= now_s)
    throw Failure(Errc::state, "the link has expired before its file was uploaded", "link " + plan.id,
                  "Make the message anew");
  if (file.size != plan.link.size)
    throw Failure(Errc::state, "the file is no longer what it was when its link was made",
                  printable(file.filename, 200), "Make the message anew");
  record.id = plan.id;
  record.state = LinkRecord::State::uploading;
  record.store = plan.store;
  record.credential = plan.credential;
  record.object_key = plan.object_key;
  record.filename = plan.link.filename;
  record.sha256 = plan.link.sha256;
  record.size = plan.link.size;
  record.signed_s = plan.signed_s;
  record.expires_s = plan.link.expires_s;
  if (!message_id.empty()) record.message_id = std::move(message_id);
  if (!outbox_id.empty()) record.outbox_id = std::move(outbox_id);
  record.error.clear();
  table.save(record);
  return record;
}

/// Writes how an upload ended. Somebody may have revoked the link meanwhile: that stays, and what came after
/// it is deleted.
net::Task<void> ended(Client& client, const LinkTable& table, LinkRecord record, Error error) {
  const std::optional<LinkRecord> now = table.find(record.id);
  if (now && now->is_over()) {
    if (!error) co_await client.remove(record.object_key);
    throw Failure(Errc::state, std::string("the link was ") + name(now->state) + " during the upload",
                  "link " + record.id, "Make the message anew");
  }
  if (error) record.error = error.line();
  if (!error)
    record.state = LinkRecord::State::ready;
  else if (!is_temporary(error.code) && error.code != Errc::cancelled)
    record.state = LinkRecord::State::failed;
  table.save(record);
  if (error) throw Failure(std::move(error));
}

}  // namespace

net::Task<void> upload_on(host::Runtime& runtime, std::shared_ptr<host::Job> job, std::string bearer,
                          Plan plan, File file, std::string message_id, std::string outbox_id,
                          net::Executor executor) {
  const LinkTable table(runtime.services());
  const std::optional<LinkRecord> begun =
      opened(table, plan, file, unix_s(runtime.services()), std::move(message_id), std::move(outbox_id));
  if (!begun) co_return;
  auto record = std::make_shared<LinkRecord>(*begun);
  auto work = std::make_shared<Upload>();
  work->key = plan.object_key;
  work->type = plan.content_type;
  work->size = plan.link.size;
  work->sha256 = plan.link.sha256;
  work->upload_id = record->upload_id;
  work->read = file.read;
  work->began = [table, record](const std::string& id) {
    record->upload_id = id;
    table.save(*record);
  };
  work->progress = [job](std::uint64_t) { job->check(); };
  const Work task = [table, record, work](Client& client, host::Job&) -> net::Task<void> {
    Error error;
    try {
      co_await store::upload(client, *work);
    } catch (const Failure& f) {
      error = f.error;
    }
    record->upload_id = error ? work->upload_id : "";
    co_await ended(client, table, *record, std::move(error));
  };
  Account account = store::account(runtime.services(), plan.store);
  co_await with_client(runtime, job, std::move(bearer), std::move(account), task, executor);
}

void upload(host::Runtime& runtime, aoh::Call& call, const Plan& plan, const File& file,
            std::string message_id, std::string outbox_id) {
  auto job = std::make_shared<host::Job>(call.id());
  const std::function<net::Task<bool>(net::Executor)> task =
      [&runtime, job, plan, file, message_id, outbox_id,
       bearer = call.id()](net::Executor executor) -> net::Task<bool> {
    co_await upload_on(runtime, job, bearer, plan, file, message_id, outbox_id, executor);
    co_return true;
  };
  runtime.run<bool>(call, job, task);
}

LinkRecord revoke(host::Runtime& runtime, aoh::Call& call, std::string_view id) {
  const LinkTable table(runtime.services());
  const std::optional<LinkRecord> known = table.find(id);
  if (!known)
    throw Failure(Errc::not_found, "there is no such link", "link " + printable(id, 64),
                  "host-stub links list shows them");
  if (known->is_over()) return *known;
  auto record = std::make_shared<LinkRecord>(*known);
  with_client(runtime, call, account(runtime.services(), record->store),
              [record, table](Client& client, host::Job&) -> net::Task<void> {
                co_await delete_object(client, *record);
                record->state = LinkRecord::State::revoked;
                record->error.clear();
                table.save(*record);
              });
  return *record;
}

Purged purge(host::Runtime& runtime, aoh::Call& call, std::string_view mail_credential) {
  const LinkTable table(runtime.services());
  Purged out;
  const std::int64_t now = unix_s(runtime.services());
  for (const LinkRecord& r : table.all()) {
    if (!mail_credential.empty() && r.credential != mail_credential) continue;
    if (call.cancelled()) throw Failure(Errc::cancelled, "the call was cancelled");
    if (r.is_over()) {
      if (r.updated_ns + kRemembered < now * kSecond) table.forget(r.id);
      continue;
    }
    if (r.expires_s > now) continue;
    auto record = std::make_shared<LinkRecord>(r);
    try {
      with_client(runtime, call, account(runtime.services(), r.store),
                  [record, table](Client& client, host::Job&) -> net::Task<void> {
                    co_await delete_object(client, *record);
                    record->state = LinkRecord::State::expired;
                    table.save(*record);
                  });
      out.expired.push_back(*record);
    } catch (const Failure& f) {
      if (f.error.code == Errc::cancelled) throw;
      out.failures.push_back("link " + r.id + ": " + f.error.line());
    }
  }
  return out;
}

}  // namespace mailroom::store
