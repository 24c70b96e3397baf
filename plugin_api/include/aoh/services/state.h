/* aoh.state/1: durable key-value state of one module. Needs the permission "state".
 *
 * Keys below "outbox/" are records that people look at: JSON objects with at least {"id", "state", "kind",
 * "summary", "created_unix_ns", "updated_unix_ns"}, where state is preview, prepared, queued, committing,
 * sent, refused, failed, uncertain or cancelled. The host lists and shows them, lets a human resolve an
 * uncertain one by setting "state" to "sent" or "failed" with "resolved_by", and take a queued one back by
 * setting it to "cancelled".
 *
 * Keys below "links/" are records of files that lie in the open behind a link: JSON objects with at least
 * {"id", "state", "kind", "summary", "size", "expires_unix_s", "created_unix_ns", "updated_unix_ns"}, where
 * state is uploading, ready, failed, revoked or expired. The host lists them; to take one back it calls the
 * module's tool <module>_links with {"action": "revoke", "id"}, and the record's "credential_id" if it has
 * one.
 *
 * Keys "attention/CREDENTIAL" are notes for people about a credential, for as long as they are there: JSON
 * objects with at least {"credential_id", "state", "summary", "cure", "since_unix_ns"}. The host shows
 * summary and cure beside the credential. */
#ifndef AOH_SERVICES_STATE_H
#define AOH_SERVICES_STATE_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_STATE_ID "aoh.state/1"
#define AOH_STATE_MAX_KEY 512u           /* bytes */
#define AOH_STATE_MAX_VALUE (1u << 20)   /* bytes; larger things are blobs */
#define AOH_STATE_ANY_VERSION UINT64_MAX /* write whatever is there */

/* One step of a transaction. Since 1. */
typedef struct aoh_state_op {
  uint32_t struct_size;
  uint32_t remove; /* 1: remove the key, value is ignored */
  aoh_str key, value;
  uint64_t expected_version; /* 0: the key must be absent; AOH_STATE_ANY_VERSION: no check; else exactly this
                                one */
} aoh_state_op;

typedef struct aoh_state_v1 {
  uint32_t struct_size, revision;
  /* Writes the value and its version (1 and up; grows with each write). AOH_E_NOT_FOUND. [any-thread, reads
   * the disk] Since 1. */
  aoh_status (*get)(const aoh_host* host, aoh_str key, aoh_sink* value, uint64_t* version);
  /* All of the steps or none (at most 64), durable when it returns. AOH_E_BUSY: an expected version was not
     there. The rest: disk full is AOH_E_INTERNAL, and nothing was written. [any-thread, writes the disk]
     Since 1. */
  aoh_status (*apply)(const aoh_host* host, const aoh_state_op* ops, size_t n);
  /* An array of {"key", "version"} of the keys that begin with prefix and sort after `after`, in byte order,
     at most limit (1,000 at most). [any-thread, reads the disk] Since 1. */
  aoh_status (*list)(const aoh_host* host, aoh_str prefix, aoh_str after, uint32_t limit,
                     aoh_sink* keys_json);
} aoh_state_v1;

#ifdef __cplusplus
}
#endif
#endif
