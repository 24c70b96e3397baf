/* aoh.clock/1: the time, and timers. Modules take both from here, so that a virtual clock can drive them.
 * Needs no permission. */
#ifndef AOH_SERVICES_CLOCK_H
#define AOH_SERVICES_CLOCK_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_CLOCK_ID "aoh.clock/1"

typedef struct aoh_clock_v1 {
  uint32_t struct_size, revision;
  /* Nanoseconds since 1970-01-01 UTC; may jump. [any-thread] Since 1. */
  int64_t (*wall_ns)(const aoh_host* host);
  /* Nanoseconds on a clock that only goes forward; the one that deadlines are on. [any-thread] Since 1. */
  int64_t (*monotonic_ns)(const aoh_host* host);
  /* fn(arg) runs once, at or after at_ns (monotonic), on a thread of the host; it must not block. Returns an
     id, never 0; 0 means that it was not scheduled (the host is shutting down). [any-thread] Since 1. */
  uint64_t (*schedule)(const aoh_host* host, int64_t at_ns, void (*fn)(void* arg), void* arg);
  /* 1: fn will not run. 0: it ran, or runs and has returned by now (called from within fn itself, it returns
     at once), or the id is not known. After it returned fn is not running. [any-thread, but not while holding
     a lock that fn takes] Since 1. */
  int (*cancel)(const aoh_host* host, uint64_t id);
} aoh_clock_v1;

#ifdef __cplusplus
}
#endif
#endif
