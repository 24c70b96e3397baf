/* aoh.setup/1: a module that finds out by itself what a person would else have to look up when setting up a
 * credential, such as the servers of a mail address.
 *
 * An extension of a module: get_extension(AOH_SETUP_ID) gives the table. Which credential types it completes,
 * and which fields it may find, stands in the manifest, beside the type's schema:
 *
 *   "finds": ["imap", "smtp"]
 *
 * The host asks when a record is added that has none of these. */
#ifndef AOH_EXTENSIONS_SETUP_H
#define AOH_EXTENSIONS_SETUP_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_SETUP_ID "aoh.setup/1"

typedef struct aoh_setup_v1 {
  uint32_t struct_size, revision;
  /* Completes a record that is not stored yet; may look things up in the network, and sends nothing secret.
     Finishes the call as invoke() does its own.
     request_json: {"record": the record as far as it goes, without its secret fields, "secrets": [names of
     the secret fields that were given]}.
     The result's "structuredContent": {
       "record": the same record with what was found, valid by the type's schema as far as it goes,
       "found": [{"field", "value", "how"}]: what was found, as a person reads it, and by what means,
       "confirm": words that a person must agree to before it is used; absent: nothing is doubtful,
       "ask": [{"field", "title", "hint", "secret", "choices"}]: what is still missing, in the order to ask.
     } "isError" with words: nothing was found, and what to do.
     Deadline and cancellation as with any call. Several at once. [worker] Since 1. */
  aoh_status (*complete)(aoh_instance* self, aoh_str type, aoh_str request_json, aoh_call* call);
} aoh_setup_v1;

#ifdef __cplusplus
}
#endif
#endif
