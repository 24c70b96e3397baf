/* aoh.credential/1: credential records, without their secrets. Needs the permission "credentials". */
#ifndef AOH_SERVICES_CREDENTIAL_H
#define AOH_SERVICES_CREDENTIAL_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_CREDENTIAL_ID "aoh.credential/1"

typedef struct aoh_credential_v1 {
  uint32_t struct_size, revision;
  /* The record as JSON: {"id", "type", "label", "version", ...fields of the credential type in the manifest,
     less the secret ones}. AOH_E_NOT_FOUND; AOH_E_DENIED for one of a type that this module does not declare.
     [any-thread, may read the disk] Since 1. */
  aoh_status (*get)(const aoh_host* host, aoh_str credential_id, aoh_sink* record_json);
  /* An array of {"id", "type", "label", "version"} of this module's types. [any-thread, may read the disk]
   * Since 1. */
  aoh_status (*list)(const aoh_host* host, aoh_sink* ids_json);
  /* fn(arg, credential_id) runs whenever a record or one of its secrets changed or was removed, until
     destroy. It runs on the thread that made the change, which waits for it, and so do all other changes: it
     must not block (no network, no disk, no lock that is held while a service is called), and does its work
     on a thread of the module's, get() included. One registration an instance; NULL takes it back, and waits
     for a running fn, so fn does not call it. [any-thread] Since 1. */
  void (*on_changed)(const aoh_host* host, void (*fn)(void* arg, aoh_str credential_id), void* arg);
} aoh_credential_v1;

#ifdef __cplusplus
}
#endif
#endif
