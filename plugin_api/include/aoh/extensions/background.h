/* aoh.background/1: what a module does while no call and no trigger asks it to, such as sending what waits in
 * an outbox.
 *
 * An extension of a module: get_extension(AOH_BACKGROUND_ID) gives the table. A host that is there for one
 * call only never starts it. */
#ifndef AOH_EXTENSIONS_BACKGROUND_H
#define AOH_EXTENSIONS_BACKGROUND_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_BACKGROUND_ID "aoh.background/1"

typedef struct aoh_background_v1 {
  uint32_t struct_size, revision;
  /* The host stays up: work without a call may begin. At most once for an instance, after create and before
     quiesce, which ends it. Returns at once. [lifecycle] Since 1. */
  void (*start)(aoh_instance* self);
} aoh_background_v1;

#ifdef __cplusplus
}
#endif
#endif
