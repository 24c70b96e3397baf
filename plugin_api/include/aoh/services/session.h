/* aoh.session/1: the agent session that a call belongs to. Needs no permission. */
#ifndef AOH_SERVICES_SESSION_H
#define AOH_SERVICES_SESSION_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_SESSION_ID "aoh.session/1"

typedef struct aoh_session_v1 {
  uint32_t struct_size, revision;
  /* {"session_id", "agent_id", "blueprint", "key", "state", "trigger": the payload that opened it} of the
     call with this call_id. AOH_E_NOT_FOUND when the call belongs to no session. [any-thread, reads the disk]
     Since 1. */
  aoh_status (*current)(const aoh_host* host, aoh_str call_id, aoh_sink* session_json);
  /* Appends a note of the module to the ledger of that session; an object of at most 64 KiB. [any-thread,
   * writes the disk] Since 1. */
  aoh_status (*append)(const aoh_host* host, aoh_str call_id, aoh_str entry_json);
} aoh_session_v1;

#ifdef __cplusplus
}
#endif
#endif
