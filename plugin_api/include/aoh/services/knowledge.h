/* aoh.knowledge/1: the host's knowledge base: documents that people and agents search. Needs the permission
 * "knowledge".
 *
 * A document is text with a title and its provenance. It is written in pieces, so that 100 MB of it never
 * stand in one string, and is found from the moment that commit() returned. What was not committed when the
 * module or the host ended is as if it had never been begun.
 *
 * Marks: a line that begins with U+000C FORM FEED says where the text behind it stands, in words, at most
 * AOH_KNOWLEDGE_MAX_MARK bytes: "\fpage 3\n", "\fsheet Totals\n", "\fletter.docx, page 1\n". It holds until
 * the next one, is shown beside what was found, and is not searched. Who writes text takes form feeds out of
 * what it quotes; one within a line is a blank. aoh.extractor/1 uses the same marks.
 *
 * The text is taken as a stranger's words, whoever puts it. What is not valid UTF-8 becomes U+FFFD; control
 * characters but line ends and tabs are left out. */
#ifndef AOH_SERVICES_KNOWLEDGE_H
#define AOH_SERVICES_KNOWLEDGE_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_KNOWLEDGE_ID "aoh.knowledge/1"
#define AOH_KNOWLEDGE_MAX_ID 256u          /* bytes of a document's id */
#define AOH_KNOWLEDGE_MAX_INFO (64u << 10) /* bytes of info_json */
#define AOH_KNOWLEDGE_MAX_MARK 200u        /* bytes of a mark's words; what is longer is cut */

typedef struct aoh_knowledge_v1 {
  uint32_t struct_size, revision;
  /* Begins a document and gives a number for it, which is this instance's. id: the module's own name for it,
     the same whenever the same thing is put: made from the bytes' SHA-256, the part and the message, say.
     Putting an id again replaces what it was, at commit and not before.
     info_json: {"title", "mime_type", "filename", "expires_unix_s", "provenance": {...}}. provenance: an
     object; its members that are strings or integers can be removed by (at most 32 of them, of at most 1,024
     bytes each). The host shows "message_id", "sender", "authentication" (the verdict), "sha256", "part",
     "credential_id", "mailbox", "uid", "blob". expires_unix_s: absent, or later than the host's own limit
     (365 days): that limit.
     AOH_E_BUSY: no room, or too many are begun (64); words in error, as in all that follows (NULL: none
     wanted). [any-thread, writes the disk] Since 1. */
  aoh_status (*begin)(const aoh_host* host, aoh_str id, aoh_str info_json, uint64_t* document,
                      aoh_error* error);
  /* More text: any cut, also within a character. At most 1 MiB at once. AOH_E_BUSY: no room (the quota, the
     document's own limit of 256 MiB, the disk); what is stored already stays as it is, and the document that
     was begun can only be abandoned. [any-thread, writes the disk] Since 1. */
  aoh_status (*append)(const aoh_host* host, uint64_t document, const void* text, size_t n, aoh_error* error);
  /* Ends it: durable and found when it returns. result: {"id", "bytes", "passages", "replaced": true if the
     id was there}. The number is used up, also when this fails. [any-thread, writes the disk] Since 1. */
  aoh_status (*commit)(const aoh_host* host, uint64_t document, aoh_sink* result, aoh_error* error);
  /* Forgets a document that was begun. [any-thread, writes the disk] Since 1. */
  aoh_status (*abandon)(const aoh_host* host, uint64_t document);
  /* begin, the text of a sealed blob, commit, without the text passing through the module. bearer: as in
     aoh.blob/1's stat. Blocks as long as the indexing takes (some 10 MB a second).
     [worker, writes the disk] Since 1. */
  aoh_status (*put_blob)(const aoh_host* host, aoh_str id, aoh_str info_json, aoh_str blob, aoh_str bearer,
                         aoh_sink* result, aoh_error* error);
  /* What is known of a document: {"id", "title", "mime_type", "filename", "bytes", "passages",
     "put_unix_s", "expires_unix_s", "provenance"}. AOH_E_NOT_FOUND. [any-thread, reads the disk] Since 1. */
  aoh_status (*stat)(const aoh_host* host, aoh_str id, aoh_sink* info);
  /* Removes one of this module's documents. AOH_E_NOT_FOUND. [any-thread, writes the disk] Since 1. */
  aoh_status (*remove)(const aoh_host* host, aoh_str id);
  /* Removes all documents of this module whose provenance has the member `key` with this value ("sender",
     "a@b.example"; an integer as its digits). Letters of "sender" count without regard to case,
     and a "message_id" is the same with and without its brackets. *removed: how
     many, perhaps 0. [any-thread, writes the disk] Since 1. */
  aoh_status (*remove_by)(const aoh_host* host, aoh_str key, aoh_str value, uint64_t* removed);
} aoh_knowledge_v1;

#ifdef __cplusplus
}
#endif
#endif
