/* aoh.extractor/1: a module that reads the text of files for others (services/extract.h is the asking side).
 *
 * An extension of a module: get_extension(AOH_EXTRACTOR_ID) gives the table. Which types it reads stands in
 * its manifest, so that the host knows without loading it:
 *
 *   "extractor": {"mime_types": ["application/pdf", "text/plain"], "extensions": ["pdf", "txt"]}
 *
 * A subtype may be an asterisk; a type named in full goes before it. The extension counts where the type says
 * nothing: absent, application/octet-stream, or one that nobody reads. */
#ifndef AOH_EXTENSIONS_EXTRACTOR_H
#define AOH_EXTENSIONS_EXTRACTOR_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_EXTRACTOR_ID "aoh.extractor/1"

typedef struct aoh_extractor_v1 {
  uint32_t struct_size, revision;
  /* Writes the text of a sealed blob into `text`, in order, UTF-8 in pieces of any size up to 1 MiB, with the
     marks of services/knowledge.h; then finishes the call as invoke() does its own: AOH_OK means that
     finish() comes, or came, and `text` may be written to until then, by one thread at a time. A negative
     answer of text->write means stop: the limit of text is reached (AOH_E_BUSY: finish with "truncated") or
     the host has no room.
     blob: read it by aoh.blob/1 with the call's call_id as bearer, which is good for this blob alone, in no
     session.
     request_json: {"mime_type", "filename", "max_text_bytes", "max_pages", "size", "sha256"}; the first two
     are a stranger's claims.
     The result's "structuredContent": {"mime_type": what the bytes are, "pages", "truncated", "warnings":
     [{"code", "detail"}]}, all optional. "isError" with words: it cannot be read.
     Deadline and cancellation as with any call. Several at once. [worker] Since 1. */
  aoh_status (*extract)(aoh_instance* self, aoh_str blob, aoh_str request_json, aoh_sink* text,
                        aoh_call* call);
} aoh_extractor_v1;

#ifdef __cplusplus
}
#endif
#endif
