/* aoh.extract/1: the text of a blob (a PDF, a spreadsheet, an archive), read by whichever loaded module
 * offers it (extensions/extractor.h). Needs the permission "extract".
 *
 * The module that asks never knows the one that reads, and that one is given this blob and nothing else of
 * the session's. */
#ifndef AOH_SERVICES_EXTRACT_H
#define AOH_SERVICES_EXTRACT_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_EXTRACT_ID "aoh.extract/1"

typedef struct aoh_extract_v1 {
  uint32_t struct_size, revision;
  /* What can be read here: {"mime_types": ["application/pdf", ...], "extensions": ["pdf", ...]}; a subtype
     may be an asterisk; both empty when no module offers anything. [any-thread] Since 1. */
  aoh_status (*types)(const aoh_host* host, aoh_sink* types_json);
  /* Reads a sealed blob. bearer: as in aoh.blob/1's stat; a call's deadline and its cancellation end this,
     too.
     request_json: {"mime_type", "filename", "max_text_bytes", "max_pages", "timeout_ms"}, all optional: the
     blob's own where the first two are absent, at most 256 MiB, no limit of pages, at most 10 minutes and
     at most what is left to the call.
     result: {"blob", "size", "mime_type", "extractor", "pages", "truncated", "warnings": [{"code",
     "detail"}]}. "blob" is a new sealed one with the text: UTF-8, with the marks of aoh.knowledge/1; it
     belongs to the bearer's session, or without a bearer to this module, and this module removes it when it
     needs it no longer. "mime_type": what the bytes turned out to be. The text and the words of a warning are
     a stranger's.
     AOH_E_UNSUPPORTED: no module reads this type. AOH_E_INVALID: it was looked at and cannot be read
     (broken, encrypted, beyond a limit). AOH_E_DENIED: the blob is not the bearer's, or the bearer is itself
     an extraction. AOH_E_DEADLINE, AOH_E_CANCELLED, AOH_E_BUSY (no room for the text), AOH_E_INTERNAL. error
     has the words, for a person; NULL: none wanted. Blocks: for the thread of a tool call or one of the
     module's own, not for a callback or a thread that others wait for. [worker] Since 1. */
  aoh_status (*extract)(const aoh_host* host, aoh_str blob, aoh_str bearer, aoh_str request_json,
                        aoh_sink* result_json, aoh_error* error);
} aoh_extract_v1;

#ifdef __cplusplus
}
#endif
#endif
