/* aoh.log/1: what a module has to say. Needs no permission. */
#ifndef AOH_SERVICES_LOG_H
#define AOH_SERVICES_LOG_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_LOG_ID "aoh.log/1"
enum {
  AOH_LOG_DEBUG = 0,
  AOH_LOG_INFO = 1,
  AOH_LOG_WARN = 2,
  AOH_LOG_ERROR = 3,
  AOH_LOG_BREACH = 4
}; /* BREACH: a peer broke the contract */

typedef struct aoh_log_v1 {
  uint32_t struct_size, revision;
  /* message: one line, no secrets, no stranger's text unmarked. fields_json: an object or empty. All is
     copied before it returns; what is longer than 8 KiB is cut. [any-thread] Since 1. */
  void (*write)(const aoh_host* host, int32_t level, aoh_str message, aoh_str fields_json);
} aoh_log_v1;

#ifdef __cplusplus
}
#endif
#endif
