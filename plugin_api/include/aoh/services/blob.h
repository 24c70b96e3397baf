/* aoh.blob/1: large content, by handle. Needs the permission "blobs".
 *
 * A blob is written once, sealed, then read by range. Its id is a string without meaning that is safe in
 * JSON. */
#ifndef AOH_SERVICES_BLOB_H
#define AOH_SERVICES_BLOB_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_BLOB_ID "aoh.blob/1"

typedef struct aoh_blob_v1 {
  uint32_t struct_size, revision;
  /* Opens a blob for writing. owner: a call_id (its session owns the blob) or empty (the module does).
     info_json: {"mime_type", "filename"} or empty. Writes the id. AOH_E_BUSY: the quota is used up.
     [any-thread, writes the disk] Since 1. */
  aoh_status (*create)(const aoh_host* host, aoh_str owner, aoh_str info_json, aoh_sink* id);
  /* Appends. Only by the module that made it, only before seal. [any-thread, writes the disk] Since 1. */
  aoh_status (*write)(const aoh_host* host, aoh_str id, const void* bytes, size_t n);
  /* Ends writing; durable when it returns. info: {"id", "size", "sha256", "mime_type", "filename"}.
   * [any-thread, writes the disk] Since 1. */
  aoh_status (*seal)(const aoh_host* host, aoh_str id, aoh_sink* info);
  /* The same of a sealed blob. bearer: a call_id whose session, or empty, in which case this module, may read
     it; AOH_E_DENIED else. [any-thread, reads the disk] Since 1. */
  aoh_status (*stat)(const aoh_host* host, aoh_str id, aoh_str bearer, aoh_sink* info);
  /* At most n bytes from offset into the sink; AOH_OK with fewer at the end. bearer as in stat. [any-thread,
   * reads the disk] Since 1. */
  aoh_status (*read)(const aoh_host* host, aoh_str id, aoh_str bearer, uint64_t offset, size_t n,
                     aoh_sink* bytes);
  /* Removes a blob of this module, sealed or not. [any-thread, writes the disk] Since 1. */
  aoh_status (*remove)(const aoh_host* host, aoh_str id);
  /* A descriptor of a sealed blob's bytes, to map it or to hand it to a child process. *fd is a new open
     file, for reading only, close-on-exec, at offset 0, whose offset nobody shares; the caller closes it. The
     bytes stay readable through it though the blob is removed meanwhile. It is a file: its size is the
     blob's. bearer as in stat. AOH_E_STATE: not sealed. AOH_E_UNSUPPORTED: this host keeps blobs elsewhere;
     use read. [any-thread, reads the disk] Since 2. */
  aoh_status (*descriptor)(const aoh_host* host, aoh_str id, aoh_str bearer, int32_t* fd);
} aoh_blob_v1;

#ifdef __cplusplus
}
#endif
#endif
