/* One module with many ways to be wrong, chosen by -DBROKEN_xxx. Without any it is right: that is tested too.
 *
 * It has a tool "probe" (read-only), a tool "slow" that takes a while and can be cancelled, and a source
 * "pulse" on aoh.clock/1. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aoh/module.h"
#include "aoh/services/clock.h"
#include "aoh/services/credential.h"
#include "aoh/services/log.h"
#include "aoh/services/vault.h"
#include "manifest_text.h"

#define S(text) ((aoh_str){text, sizeof(text) - 1})

struct pulse {
  aoh_trigger* trigger;
  aoh_instance* self;
  uint64_t timer;
  int used, ending, emitting;
  unsigned count;
};
struct aoh_instance {
  const aoh_host* host;
  const aoh_clock_v1* clock;
  const aoh_log_v1* log;
  pthread_mutex_t m;
  struct pulse pulses[8];
};

#if defined(BROKEN_IGNORES_CANCEL)
#define SLOW_STEPS 500 /* of 10 ms */
#else
#define SLOW_STEPS 20
#endif

static void pause_ms(long ms) {
  const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&t, NULL);
}

static int is(aoh_str s, const char* text) {
  return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

/* ---- what constructors do ---- */
#if defined(BROKEN_CRASH_IN_CONSTRUCTOR)
__attribute__((constructor)) static void crash(void) { raise(SIGSEGV); }
#elif defined(BROKEN_HANG_IN_CONSTRUCTOR)
__attribute__((constructor)) static void hang(void) {
  for (;;) pause();
}
#elif defined(BROKEN_EXIT_IN_CONSTRUCTOR)
__attribute__((constructor)) static void leave(void) { _exit(7); }
#elif defined(BROKEN_THREAD_AT_LOAD)
static void* idle(void* arg) {
  for (;;) pause();
  return arg;
}
__attribute__((constructor)) static void start(void) {
  pthread_t t;
  pthread_create(&t, NULL, idle, NULL);
}
#elif defined(BROKEN_UNDEFINED_SYMBOL)
extern int this_symbol_is_nowhere(void);
#elif defined(BROKEN_MISSING_LIBRARY)
extern int from_the_missing_library(void);
#elif defined(BROKEN_EXTRA_EXPORT)
AOH_EXPORT int helper_that_should_be_hidden(void) { return 1; }
#endif

/* ---- describing ---- */
static aoh_status describe(aoh_sink* sink, aoh_error* error) {
  (void)error;
#if defined(BROKEN_DESCRIBE_DIFFERS)
  return sink->write(sink, MANIFEST_TEXT " ", sizeof(MANIFEST_TEXT));
#elif defined(BROKEN_DESCRIBE_UNSTABLE)
  static int calls;
  return sink->write(sink, MANIFEST_TEXT "\n\n\n", sizeof(MANIFEST_TEXT) - 1 + (calls++ % 3));
#else
  return sink->write(sink, MANIFEST_TEXT, sizeof(MANIFEST_TEXT) - 1);
#endif
}

/* ---- instances ---- */
#if defined(BROKEN_LEAKS_THREAD)
static void* stay(void* arg) {
  for (;;) pause();
  return arg;
}
#endif
#if defined(BROKEN_CHANGES_SIGNAL)
static void on_signal(int s) { (void)s; }
#endif

static aoh_status create(const aoh_host* host, aoh_str config, aoh_instance** out, aoh_error* error) {
  /* A JSON reader would be better; the cases ask for no more than this. */
  if (!is(config, "{}")) {
    if (error) error->set(error, AOH_E_INVALID, S("the configuration must be {}"), (aoh_str){0});
    return AOH_E_INVALID;
  }
  aoh_instance* self = calloc(1, sizeof *self);
  self->host = host;
  self->log = host->get_service(host, S(AOH_LOG_ID));
#if defined(BROKEN_NEEDS_LOG)
  self->log->write(host, AOH_LOG_INFO, S("hello"), (aoh_str){0});
#endif
  self->clock = host->get_service(host, S(AOH_CLOCK_ID));
  pthread_mutex_init(&self->m, NULL);
#if defined(BROKEN_LEAKS_THREAD)
  pthread_t t;
  pthread_create(&t, NULL, stay, NULL);
#elif defined(BROKEN_LEAKS_FD)
  if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) return AOH_E_INTERNAL;
#elif defined(BROKEN_LEAKS_MEMORY)
  volatile char* lost = malloc(4096);
  lost[0] = 1;
#elif defined(BROKEN_LEAKS_TIMER)
  if (self->clock) self->clock->schedule(host, INT64_MAX, (void (*)(void*))free, NULL);
#elif defined(BROKEN_CHANGES_SIGNAL)
  signal(SIGUSR2, on_signal);
#elif defined(BROKEN_CHANGES_LOCALE)
  setlocale(LC_ALL, "C.UTF-8");
#elif defined(BROKEN_CHANGES_DIRECTORY)
  if (chdir("/") != 0) return AOH_E_INTERNAL;
#elif defined(BROKEN_CHANGES_ENVIRONMENT)
  setenv("BROKEN_WAS_HERE", "1", 1);
#elif defined(BROKEN_READS_BEYOND_HOST)
  const struct {
    aoh_host head;
    const void* (*later)(const aoh_host*);
  }* wide = (const void*)host;
  if (wide->later) wide->later(host);
#elif defined(BROKEN_UNDECLARED_SERVICE)
  host->get_service(host, S(AOH_VAULT_ID));
#endif
  *out = self;
  return AOH_OK;
}

static void destroy(aoh_instance* self) {
  pthread_mutex_destroy(&self->m);
  free(self);
}

/* ---- tools ---- */
static void give_probe(aoh_call* call) {
#if defined(BROKEN_RESULT_SCHEMA)
  call->finish(call, AOH_OK,
               S("{\"content\":[{\"type\":\"text\",\"text\":\"1\"}],\"structuredContent\":{\"answer\":"
                 "\"forty-two\"}}"));
#elif defined(BROKEN_RESULT_JSON)
  call->finish(call, AOH_OK, S("{\"content\":[}"));
#else
  call->finish(
      call, AOH_OK,
      S("{\"content\":[{\"type\":\"text\",\"text\":\"42\"}],\"structuredContent\":{\"answer\":42}}"));
#endif
#if defined(BROKEN_FINISH_TWICE)
  call->finish(call, AOH_OK, S("{\"content\":[]}"));
#elif defined(BROKEN_TOUCH_AFTER_FINISH)
  if (*(volatile uint32_t*)&call->flags == 77) abort();
#endif
}

static int well_formed(aoh_str args) { return args.len == 0 || is(args, "{}"); }

static aoh_status invoke(aoh_instance* self, aoh_str tool, aoh_str args, aoh_call* call) {
#if defined(BROKEN_UNKNOWN_TOOL)
  if (tool.len == 0 || memcmp(tool.ptr, "slow", tool.len < 4 ? tool.len : 4) != 0) {
    give_probe(call);
    return AOH_OK;
  }
#endif
  if (!is(tool, "probe") && !is(tool, "slow")) return AOH_E_NOT_FOUND;
#if defined(BROKEN_TRUSTS_ARGUMENTS)
  if (args.len == 0 || *(args.ptr + args.len - 1) != '}') abort();
#else
  if (!well_formed(args)) return AOH_E_INVALID;
#endif
#if defined(BROKEN_SECRET_IN_LOG)
  const aoh_vault_v1* vault = self->host->get_service(self->host, S(AOH_VAULT_ID));
  struct sink {
    aoh_sink head;
    char text[200];
  };
  extern aoh_status collect(aoh_sink*, const void*, size_t);
  struct sink secret = {{sizeof(aoh_sink), 0, collect}, "signing in with "};
  char id[128] = "";
  const char* at = strstr(call->context_json.ptr, "check-call-");
  if (at) sscanf(at, "%127[a-z0-9-]", id);
  uint64_t version;
  if (vault &&
      vault->read(self->host, S("check-credential"), S("password"), (aoh_str){id, strlen(id)}, &secret.head,
                  &version) == AOH_OK &&
      self->log)
    self->log->write(self->host, AOH_LOG_INFO, (aoh_str){secret.text, strlen(secret.text)}, (aoh_str){0});
#endif
#if defined(BROKEN_NEVER_FINISHES)
  if (is(tool, "probe")) return AOH_OK;
#elif defined(BROKEN_FINISHES_AND_FAILS)
  if (is(tool, "probe")) {
    give_probe(call);
    return AOH_E_INTERNAL;
  }
#elif defined(BROKEN_PROGRESS_BACK)
  call->progress(call, 2, 3, S("two"));
  call->progress(call, 1, 3, S("one"));
#elif defined(BROKEN_EXCEPTION)
  extern void throw_something(void);
  throw_something();
#endif
  if (is(tool, "slow")) {
    for (int i = 0; i < SLOW_STEPS; ++i) {
#if !defined(BROKEN_IGNORES_CANCEL)
      if (call->cancelled(call) ||
          (self->clock && self->clock->monotonic_ns(self->host) > call->deadline_ns)) {
        call->finish(call, AOH_E_CANCELLED, (aoh_str){0});
        return AOH_OK;
      }
#endif
      pause_ms(10);
    }
  }
  give_probe(call);
  return AOH_OK;
}

#if defined(BROKEN_SECRET_IN_LOG)
aoh_status collect(aoh_sink* s, const void* bytes, size_t n) {
  char* text = (char*)(s + 1);
  const size_t used = strlen(text);
  if (n > 199 - used) return AOH_E_INVALID;
  memcpy(text + used, bytes, n);
  return AOH_OK;
}
#endif

/* ---- the source ---- */
static void tick(void* arg);

static void set_timer(struct pulse* p) {
  p->timer = p->self->clock->schedule(p->self->host, p->self->clock->monotonic_ns(p->self->host) + 10000000,
                                      tick, p);
}

static void end(struct pulse* p) {
  aoh_trigger* t = p->trigger;
  p->used = 0;
#if !defined(BROKEN_TRIGGER_NEVER_STOPS)
  t->stopped(t, AOH_OK, (aoh_str){0});
#endif
#if defined(BROKEN_TRIGGER_STOPS_TWICE)
  t->stopped(t, AOH_OK, (aoh_str){0});
#endif
  (void)t;
}

static void settled(void* arg, aoh_status status) {
  struct pulse* p = arg;
  pthread_mutex_lock(&p->self->m);
  p->emitting = 0;
  if (status == AOH_OK) ++p->count;
  const int ending = p->ending;
#if !defined(BROKEN_TRIGGER_TWO_EMITS)
  if (!ending) set_timer(p);
#endif
  pthread_mutex_unlock(&p->self->m);
  if (ending) end(p);
}

static void tick(void* arg) {
  struct pulse* p = arg;
  pthread_mutex_lock(&p->self->m);
  p->timer = 0;
  if (p->ending) {
    pthread_mutex_unlock(&p->self->m);
    return;
  }
#if defined(BROKEN_TRIGGER_TWO_EMITS)
  set_timer(p);
#endif
  p->emitting = 1;
  char key[32], cursor[32];
  snprintf(key, sizeof key, "pulse-%u", p->count + 1);
  snprintf(cursor, sizeof cursor, "%u", p->count + 1);
  pthread_mutex_unlock(&p->self->m);
  const aoh_event e = {sizeof e, 0, 0, S("pulse"), S("check-1"), {key, strlen(key)}, S("{\"pulse\":{}}")};
  const aoh_status s =
      p->trigger->emit(p->trigger, &e, 1, S("[]"), (aoh_str){cursor, strlen(cursor)}, settled, p);
#if defined(BROKEN_TRIGGER_LOST_BUSY)
  if (s == AOH_E_BUSY) {
    pthread_mutex_lock(&p->self->m);
    p->emitting = 0;
    const int ending = p->ending;
    pthread_mutex_unlock(&p->self->m);
    if (ending) end(p);
    return;
  }
#endif
#if !defined(BROKEN_TRIGGER_TWO_EMITS)
  if (s != AOH_OK) settled(p, s);
#else
  (void)s;
#endif
}

static aoh_status trigger_start(aoh_instance* self, aoh_str source, aoh_str cursor, aoh_trigger* trigger,
                                aoh_error* error) {
  if (source.len < 2 || source.ptr[source.len - 1] != '}' || !self->clock) {
    if (error) error->set(error, AOH_E_INVALID, S("no source, or no clock"), (aoh_str){0});
    return AOH_E_INVALID;
  }
  pthread_mutex_lock(&self->m);
  struct pulse* p = self->pulses;
  while (p < self->pulses + 8 && p->used) ++p;
  if (p == self->pulses + 8) {
    pthread_mutex_unlock(&self->m);
    return AOH_E_BUSY;
  }
  memset(p, 0, sizeof *p);
  p->used = 1;
  p->self = self;
  p->trigger = trigger;
#if !defined(BROKEN_TRIGGER_FORGETS_CURSOR)
  for (size_t i = 0; i < cursor.len; ++i) p->count = p->count * 10 + (unsigned)(cursor.ptr[i] - '0');
#else
  (void)cursor;
#endif
#if !defined(BROKEN_TRIGGER_SILENT)
  trigger->health(trigger, S("{\"state\":\"idle\"}"));
#endif
  set_timer(p);
  pthread_mutex_unlock(&self->m);
  return AOH_OK;
}

static void trigger_stop(aoh_instance* self, aoh_trigger* trigger) {
  for (struct pulse* p = self->pulses; p < self->pulses + 8; ++p) {
    pthread_mutex_lock(&self->m);
    const int mine = p->used && p->trigger == trigger && !p->ending;
    if (mine) p->ending = 1;
    const uint64_t timer = p->timer;
    pthread_mutex_unlock(&self->m);
    if (!mine) continue;
    if (timer) self->clock->cancel(self->host, timer);
    pthread_mutex_lock(&self->m);
    const int emitting = p->emitting;
    pthread_mutex_unlock(&self->m);
#if defined(BROKEN_TRIGGER_STOPS_EARLY)
    (void)emitting;
    p->ending = 0;
    end(p);
#else
    if (!emitting) end(p);
#endif
    return;
  }
}

static void quiesce(aoh_instance* self, int64_t deadline_ns) { (void)self, (void)deadline_ns; }

static const void* get_extension(aoh_str id) {
#if defined(BROKEN_EXTENSION_BY_PREFIX)
  if (id.len >= 15 && memcmp(id.ptr, "aoh.resources/1", 15) == 0) return "";
#endif
  (void)id;
  return NULL;
}

#if defined(BROKEN_UNDEFINED_SYMBOL)
static const void* volatile keep = (const void*)this_symbol_is_nowhere;
#elif defined(BROKEN_MISSING_LIBRARY)
static const void* volatile keep = (const void*)from_the_missing_library;
#endif

#if !defined(BROKEN_NO_SYMBOL)
const aoh_module aoh_module_v1 = {
#if defined(BROKEN_STRUCT_SIZE_ZERO)
    0,
#elif defined(BROKEN_STRUCT_SIZE_SMALL)
    offsetof(aoh_module, destroy),
#else
    sizeof(aoh_module),
#endif
#if defined(BROKEN_MAJOR)
    AOH_ABI_MAJOR + 1,
#else
    AOH_ABI_MAJOR,
#endif
#if defined(BROKEN_MINOR)
    AOH_ABI_MINOR + 5,
#else
    AOH_ABI_MINOR,
#endif
    0,
    describe,
    create,
    invoke,
    NULL,
    NULL,
    trigger_start,
    NULL,
    trigger_stop,
    quiesce,
    destroy,
    get_extension};
#else
const void* const unused[] = {(const void*)describe,      (const void*)create,       (const void*)invoke,
                              (const void*)trigger_start, (const void*)trigger_stop, (const void*)quiesce,
                              (const void*)destroy,       (const void*)get_extension};
#endif
