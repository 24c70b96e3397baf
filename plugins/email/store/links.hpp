// Links in place of large attachments, from plan to revocation. What a sending tool calls:
//
//   Plan p = plan(...)                    nothing is uploaded; the URL is final, so a preview shows final
//   bytes deliver::text_block({p.link}), deliver::html_block({p.link})     into the message upload(...)
//   before SMTP; once it returns, the link works
//
// Everything but upload_on() blocks; called on a tool's worker thread, never on a strand.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aoh/sdk/call.hpp"
#include "deliver/links.hpp"
#include "host/runtime.hpp"
#include "store/account.hpp"
#include "store/link_record.hpp"
#include "store/upload.hpp"

namespace mailroom::store {

/// A file to be linked. `read` may be called from another thread than the one that made it, one at a time.
struct File {
  std::string filename, content_type;
  std::uint64_t size = 0;
  Reader read;
};
/// From a path, by host::OpenFile's rules; it stays open with the File. Throws Failure.
File file_at(std::string_view path, std::string_view root, std::string filename = {});
/// From a sealed blob. `bearer`: the call's id. Throws Failure.
File file_of_blob(const host::Services& services, std::string_view blob, std::string_view bearer,
                  std::string filename = {});

/// What a link will be: all of it is known before a byte is uploaded. Kept by the caller (json/from), which
/// hands it to upload() later, also after a restart.
struct Plan {
  std::string id;          ///< of the record that upload() makes
  std::string store;       ///< credential of type s3
  std::string credential;  ///< the mail account
  std::string object_key, content_type;
  std::int64_t signed_s = 0;  ///< Unix time from which the link's life counts
  deliver::LinkText link;     ///< with the URL, which opens the file to whoever has it: not for logs
  aoh::Json json() const;
  static Plan from(const aoh::Json& json);  ///< throws Failure(invalid)
};

/// Reads the whole file for its hash. The same file, token and time give the same plan. `token`: see
/// deliver::object_key(); `now_s`: Unix time, from which the link's life counts; `lifetime_s`: 0: the store's
/// link_lifetime_s. Throws Failure: config (no link_store), limit (larger than the store's max_bytes), those
/// of reading and of the vault.
Plan plan(host::Runtime& runtime, aoh::Call& call, std::string_view mail_credential, const File& file,
          std::string_view token, std::int64_t now_s, std::int64_t lifetime_s = 0);

/// The plan that a record was made from, with the same URL as long as the store's keys are the same. For
/// going on with an upload whose plan was not kept. Throws Failure.
Plan plan_of(host::Runtime& runtime, aoh::Call& call, const LinkRecord& record);

/// Puts the file where the plan says. Done already: returns at once. Begun earlier: goes on. Throws Failure;
/// is_temporary() of it says whether the same again may succeed. state: revoked meanwhile, expired, or the
/// file is another than planned.
void upload(host::Runtime& runtime, aoh::Call& call, const Plan& plan, const File& file,
            std::string message_id = {}, std::string outbox_id = {});

/// The same on a strand, for work without a call (the outbox's worker): `bearer` may be what the host takes
/// for a secret, a call's id or "outbox:ID". `runtime` outlives it; a cancelled job ends it.
net::Task<void> upload_on(host::Runtime& runtime, std::shared_ptr<host::Job> job, std::string bearer,
                          Plan plan, File file, std::string message_id, std::string outbox_id,
                          net::Executor executor);

/// Deletes the object, sees that it is gone, and marks the record. Once more does no harm. Throws Failure.
LinkRecord revoke(host::Runtime& runtime, aoh::Call& call, std::string_view id);

struct Purged {
  std::vector<LinkRecord> expired;    ///< deleted now
  std::vector<std::string> failures;  ///< a line each; tried again at the next purge
};
/// Deletes objects whose links have expired, and forgets records that have been over for 30 days. Only those
/// of `mail_credential` unless it is empty.
Purged purge(host::Runtime& runtime, aoh::Call& call, std::string_view mail_credential);

}  // namespace mailroom::store
