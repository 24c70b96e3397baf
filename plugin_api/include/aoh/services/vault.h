/* aoh.vault/1: secrets, handed out one at a time for a reason that is on record. Needs the permission
 * "vault". */
#ifndef AOH_SERVICES_VAULT_H
#define AOH_SERVICES_VAULT_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_VAULT_ID "aoh.vault/1"

typedef struct aoh_vault_v1 {
  uint32_t struct_size, revision;
  /* Writes the secret field ("password", "refresh_token") of a credential. bearer: the call_id or trigger_id
     on whose behalf; it must be live and granted this credential, else AOH_E_DENIED. Or "outbox:ID": the
     module's own record below "outbox/" (state.h) with that id, which names this credential as its
     "credential_id" and is prepared, queued, committing or sent. Each hand-out is audited
     without its value. version receives the value's version. AOH_E_NOT_FOUND when there is none. [any-thread,
     may read the disk] Since 1. */
  aoh_status (*read)(const aoh_host* host, aoh_str credential_id, aoh_str field, aoh_str bearer,
                     aoh_sink* secret, uint64_t* version);
  /* Replaces the field if its version is still expected_version (0: if there is none yet); durable when it
     returns. AOH_E_BUSY: somebody was faster, read again. A bearer that has ended may still replace the
     version that read() had handed to it, so that a token which a server has rotated meanwhile is not lost.
     [any-thread, writes the disk] Since 1. */
  aoh_status (*compare_and_set)(const aoh_host* host, aoh_str credential_id, aoh_str field, aoh_str bearer,
                                uint64_t expected_version, aoh_str secret, uint64_t* version);
} aoh_vault_v1;

#ifdef __cplusplus
}
#endif
#endif
