/* aoh.metrics/1: counters, gauges and histograms that people and their monitoring look at. Needs no
 * permission.
 *
 * A metric has a name, and a series for each set of labels. The host keeps all in memory: after a restart
 * they begin anew, and they end with the instance. A label tells which of a module's few things is meant (a
 * credential's id, a mailbox, a state); never an address of a stranger, a subject or other content, never a
 * secret. The host blots out secrets that it knows, and refuses what is beyond the limits below. */
#ifndef AOH_SERVICES_METRICS_H
#define AOH_SERVICES_METRICS_H
#include "aoh/module.h"
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_METRICS_ID "aoh.metrics/1"

enum {
  AOH_METRIC_COUNTER = 1,  /* only grows; its name ends in _total */
  AOH_METRIC_GAUGE = 2,    /* goes up and down */
  AOH_METRIC_HISTOGRAM = 3 /* how often values came below each of some bounds */
};
enum {
  /* Its series are set anew each time that somebody looks (on_collect), and kept no longer: for what the
     module knows anyway of each of many things. Counters and gauges. */
  AOH_METRIC_COLLECTED = 1
};

#define AOH_METRICS_MAX_METRICS 64u       /* of a module */
#define AOH_METRICS_MAX_NAME 64u          /* bytes; [a-z][a-z0-9_]*; unit in the name: _seconds, _bytes */
#define AOH_METRICS_MAX_HELP 200u         /* bytes */
#define AOH_METRICS_MAX_LABELS 4u         /* of a series, each name once, of at most 32 bytes, not "le" */
#define AOH_METRICS_MAX_VALUE 128u        /* bytes of a label's value; UTF-8 without control characters */
#define AOH_METRICS_MAX_BOUNDS 32u        /* of a histogram */
#define AOH_METRICS_MAX_SERIES 1000u      /* of a module, that are kept */
#define AOH_METRICS_MAX_COLLECTED 100000u /* of a module, in one collection */

typedef struct aoh_label {
  aoh_str name, value;
} aoh_label;

typedef struct aoh_metrics_v1 {
  uint32_t struct_size, revision;
  /* help: one line for people. bounds: of a histogram, at least one, ascending; else none. The same again
     changes nothing. AOH_E_INVALID: something is beyond its limit, or the name stands for something else by
     now. AOH_E_DENIED: another module has the name. AOH_E_BUSY: too many metrics. [any-thread] Since 1. */
  aoh_status (*define)(const aoh_host* host, int32_t kind, uint32_t flags, aoh_str name, aoh_str help,
                       const double* bounds, size_t n_bounds);
  /* The order of labels does not matter. All three: AOH_E_NOT_FOUND: the name is not defined. AOH_E_INVALID:
     not for this kind, a value that is no finite number, a counter that would shrink, labels beyond their
     limits. AOH_E_BUSY: one series too many; it is dropped, and counted by the host. None blocks.
     [any-thread; collected ones only within on_collect's fn] Since 1. */
  aoh_status (*add)(const aoh_host* host, aoh_str name, const aoh_label* labels, size_t n, double delta);
  aoh_status (*set)(const aoh_host* host, aoh_str name, const aoh_label* labels, size_t n, double value);
  aoh_status (*observe)(const aoh_host* host, aoh_str name, const aoh_label* labels, size_t n, double value);
  /* fn(arg) runs, on a thread of the host, each time before the metrics are shown, and sets what is
     collected; it must not wait for others. The last one counts; NULL takes it back, and when that has
     returned fn is not running. [any-thread, but not while holding a lock that fn takes] Since 1. */
  aoh_status (*on_collect)(const aoh_host* host, void (*fn)(void* arg), void* arg);
} aoh_metrics_v1;

#ifdef __cplusplus
}
#endif
#endif
