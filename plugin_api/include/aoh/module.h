/* The plugin interface: what an agent-orchestration host (the host) and a loadable module agree on.  C11;
 * draft v0.
 *
 * A module is a shared library that exports exactly one symbol, the constant `aoh_module_v1`. The host checks
 * the file, loads it, asks for its manifest, creates instances and calls their tools and triggers. What the
 * module needs of the host it gets as services by id (the headers in services/).
 *
 * Rules that hold everywhere
 *   Structs     start with `struct_size`, set by the side that made the struct, and only ever grow at the
 * end. A member that lies beyond the peer's struct_size, or is NULL, is absent: ask with AOH_HAS. Sizes are
 * never compared for equality. Strings     are borrowed {ptr, len}, UTF-8, without a terminating NUL; valid
 * until the call that passes them returns, unless a member says otherwise. An empty string has len 0, its ptr
 * may be NULL. JSON        travels as such strings. Unless said otherwise a document is at most AOH_MAX_JSON
 * bytes, nested at most 64 deep, with no key twice. Memory      never changes owner: results are written into
 * a sink of the caller, which copies. Nothing is freed across the line. Large data  goes through aoh.blob/1,
 * by handle. Exceptions, RTTI, vtables and C++ library types do not cross. Every function is noexcept in
 * effect. Threads     each function has a tag: [lifecycle]   the host calls these one after another, never
 * two at once for one module, from any thread [worker]      the host may call from many threads at once; may
 * block until the call's deadline [any-thread]  may be called from any thread at any time between create and
 * destroy, and does not block Errors      have three layers that are never mixed: an aoh_status (the
 * machinery failed), a tool result with "isError" (the work failed, and the model should see why), and
 * misbehaviour (a broken rule here: logged by the host, counted, and the module is quarantined).
 *
 * Every member says what it is for, how long its pointers live, its tag, and since when it is there.
 */
#ifndef AOH_MODULE_H
#define AOH_MODULE_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define AOH_ABI_MAJOR 1u /* in the symbol's name too; another major is another interface */
#define AOH_ABI_MINOR 0u /* grows when members are appended */

#define AOH_MAX_JSON (16u << 20) /* bytes of one JSON text across the interface */
#define AOH_MAX_EVENTS 256u      /* events in one emit(), and blueprints of one source */
#define AOH_MAX_DECISIONS 65536u /* decisions in one emit() */
#define AOH_MAX_PROGRESS 1024u   /* bytes of one progress message; the host cuts what is longer */

/* True if the peer's struct is long enough to hold member m, and m is set. */
#define AOH_HAS(T, p, m) ((p)->struct_size >= offsetof(T, m) + sizeof((p)->m) && (p)->m)
#define AOH_EXPORT __attribute__((visibility("default")))

/* Borrowed UTF-8. Since 1.0. */
typedef struct aoh_str {
  const char* ptr;
  size_t len;
} aoh_str;

/* Outcome of a call across the interface. A negative value that is not known reads as AOH_E_INTERNAL.
 * Since 1.0. */
typedef int32_t aoh_status;
enum {
  AOH_OK = 0,
  AOH_E_INVALID = -1,     /* an argument or a document is wrong; the caller must change it */
  AOH_E_UNSUPPORTED = -2, /* this peer does not have that function or feature */
  AOH_E_DENIED = -3,      /* not granted; asking again does not help */
  AOH_E_NOT_FOUND = -4,
  AOH_E_CANCELLED = -5,
  AOH_E_DEADLINE = -6,
  AOH_E_BUSY = -7,    /* later, perhaps: back-pressure, or a compare-and-set that lost */
  AOH_E_STATE = -8,   /* not in this state: after destroy, after finish, before create */
  AOH_E_INTERNAL = -9 /* a defect, or the disk */
};

/* Receives bytes; made by the caller, lives on its stack. write() may be called several times, in order; it
 * copies. A negative answer means stop. struct_size covers this head; the caller's own fields lie behind it.
 * Since 1.0. */
typedef struct aoh_sink {
  uint32_t struct_size, pad;
  aoh_status (*write)(struct aoh_sink* sink, const void* bytes, size_t n);
} aoh_sink;

/* Receives an error's words; made by the caller. set() copies; the last one counts. msg: one line for a
 * person, what failed and what to do, no secrets; detail_json: an object for programs, or empty. Since 1.0.
 */
typedef struct aoh_error {
  uint32_t struct_size, pad;
  void (*set)(struct aoh_error* error, aoh_status status, aoh_str msg, aoh_str detail_json);
} aoh_error;

/* The host as one instance sees it: identity, grants and configuration hang on this pointer, so it is passed
 * back to every service. HOST-OWNED, from create until destroy returned. Since 1.0. */
typedef struct aoh_host {
  uint32_t struct_size, abi_major, abi_minor, pad;
  /* A service table by id, "aoh.log/1"; cast it to that service's struct. NULL when the host lacks it or the
   * manifest was not granted it; the host's log says which. Valid until destroy returned. [any-thread]
   * Since 1.0. */
  const void* (*get_service)(const struct aoh_host* host, aoh_str id);
} aoh_host;

/* aoh_call.flags */
enum {
  AOH_CALL_OPERATOR = 1u
}; /* a person at the command line asks, not an agent: files by path are theirs to name */

/* One tool call. HOST-OWNED; the module may use it until it calls finish(), which must come exactly once.
 * Since 1.0. */
typedef struct aoh_call {
  uint32_t struct_size, flags;
  int64_t deadline_ns; /* CLOCK_MONOTONIC (aoh.clock/1 where the module has it); INT64_MAX: none. Past it the
                          host answers its caller and keeps the module pinned until finish(). */
  /* {"call_id", "session_id", "step", "agent_id", "idempotency_key", "grants": {credential: ["read", ...]},
     "default_credential_id", "taint": [sources], "send_to_self": true where credential_test is asked to send
     something to the account itself, too}; members that do not apply are absent. Valid until finish()
     returned. */
  aoh_str context_json;
  /* Empty, or on re-invocation after a human's answer: {"requestState", "decision", "who", "blob", "sha256"}.
   * As above. */
  aoh_str approval_json;
  /* 1 once the caller gave up. Advisory: finish() is still owed. [any-thread] */
  int (*cancelled)(const struct aoh_call* call);
  /* fn(arg) runs at most once, when the call is cancelled, perhaps before this returns, never after finish()
     returned. It must not block and must not call finish() itself from within. One registration a call; a
     later one replaces it. [any-thread] */
  void (*on_cancel)(struct aoh_call* call, void (*fn)(void*), void* arg);
  /* done only grows; total <= 0: unknown. [any-thread] */
  void (*progress)(struct aoh_call* call, double done, double total, aoh_str msg);
  /* Ends the call: with AOH_OK, result_json is the body of an MCP tool result ("content",
     "structuredContent", "isError", "_meta"), or
     {"input_required": {...}, "requestState": "..."} to wait for a human; otherwise empty, or {"message":
     "..."}. Copied before it returns; *call is dead after it. [any-thread] */
  void (*finish)(struct aoh_call* call, aoh_status status, aoh_str result_json);
} aoh_call;

/* Something that happened at a trigger's source. Borrowed until emit() returned. Since 1.0. */
typedef struct aoh_event {
  uint32_t struct_size, pad;
  int64_t occurred_unix_ns;
  aoh_str type;       /* "email.received" */
  aoh_str blueprint;  /* which blueprint of source_json it is for */
  aoh_str dedupe_key; /* at most 512 bytes; the host takes the same key once per blueprint, whatever is
                         emitted again */
  /* An object; its members are what templates see: {"email": {...}}. A member with "untrusted": true holds a
     stranger's words: the host marks the session as tainted and says so in the context of each later call. */
  aoh_str payload_json;
} aoh_event;

/* One running source. HOST-OWNED, from trigger_start until stopped() returned. Since 1.0. */
typedef struct aoh_trigger {
  uint32_t struct_size, pad;
  /* Hands over n events (0 to AOH_MAX_EVENTS), the decisions and the new cursor. The host stores all of it in
     one transaction, then calls done(arg, status) once, from any thread, perhaps before emit returned: AOH_OK
     means durable. Any other status means nothing was stored: emit the same again later. AOH_E_BUSY at
     return: nothing taken, done does not come, on_ready's fn does. At most one emit is outstanding per
     trigger. An empty batch with a cursor is a checkpoint. cursor: opaque to the host, at most 64 KiB.
     decisions_json: at most AOH_MAX_DECISIONS of {"key", "blueprint", "decision":
     matched|ignored|skipped|parked, "why"}. [any-thread, does not block] */
  aoh_status (*emit)(struct aoh_trigger* trigger, const aoh_event* events, size_t n, aoh_str decisions_json,
                     aoh_str cursor, void (*done)(void* arg, aoh_status status), void* arg);
  /* fn(arg) runs once when there is room again after BUSY; not after stopped(). [any-thread] */
  void (*on_ready)(struct aoh_trigger* trigger, void (*fn)(void*), void* arg);
  /* {"state": starting|catching_up|fetching|idle|polling|backoff|failed, "mailbox", "last_contact_unix_ns",
     "lag_ms", "last_event_unix_ns", "last_error", "cure", "retry_at_unix_ns"}. The host keeps the last one.
     [any-thread] */
  void (*health)(struct aoh_trigger* trigger, aoh_str state_json);
  /* 1 once trigger_stop was called. [any-thread] */
  int (*stopping)(const struct aoh_trigger* trigger);
  /* The source has ended, asked (AOH_OK) or by itself (an error; why says it to a person). Exactly once; the
     last touch of *trigger; no emit may be outstanding. [any-thread] */
  void (*stopped)(struct aoh_trigger* trigger, aoh_status status, aoh_str why);
} aoh_trigger;

/* The module's own state, opaque to the host. MODULE-OWNED, from create until destroy. */
typedef struct aoh_instance aoh_instance;

/* What a module exports. Constant, filled at load time, no code runs for it. Since 1.0. */
typedef struct aoh_module {
  uint32_t struct_size, abi_major, abi_minor_needed, flags; /* flags: 0 */
  /* Writes the manifest, byte for byte the file shipped beside the library, and the same at every call.
   * [lifecycle] */
  aoh_status (*describe)(aoh_sink* manifest_json, aoh_error* error);
  /* Makes an instance. config_json is valid by the manifest's schema, but a module checks what it relies on.
     Fails without leaving anything behind. Must not do network I/O. [lifecycle] */
  aoh_status (*create)(const aoh_host* host, aoh_str config_json, aoh_instance** out, aoh_error* error);
  /* Runs a tool. AOH_OK: finish() comes, or came. Negative: the call was not touched and finish() does not
     come. args_json was validated against the tool's inputSchema by a host that keeps the rules; a module
     does not crash where it was not. [worker] */
  aoh_status (*invoke)(aoh_instance* self, aoh_str tool, aoh_str args_json, aoh_call* call);
  /* Tries a credential, step by step; result and call as with invoke. [worker] */
  aoh_status (*credential_test)(aoh_instance* self, aoh_str credential, aoh_call* call);
  /* Interactive sign-in; shows a URL or code by progress. [worker] */
  aoh_status (*credential_authorize)(aoh_instance* self, aoh_str credential, aoh_call* call);
  /* Starts a source. source_json: {"source": "email", "key": {...}, "blueprints": [{"id", "match",
     "start_from", ...}], "rules": [...], "trigger_id"}; at most AOH_MAX_EVENTS blueprints, so that what one
     message means to all of them fits into one emit. cursor: empty at first, then what emit stored last.
     Must not block. Both texts are borrowed until it returns. AOH_OK: stopped() is owed. [lifecycle] */
  aoh_status (*trigger_start)(aoh_instance* self, aoh_str source_json, aoh_str cursor, aoh_trigger* trigger,
                              aoh_error* error);
  /* New blueprints or rules for a running source; the cursor stays. On error the old ones go on. [lifecycle]
   */
  aoh_status (*trigger_reconfigure)(aoh_instance* self, aoh_trigger* trigger, aoh_str source_json,
                                    aoh_error* error);
  /* Asks a source to end; stopped() follows, perhaps before this returns. [lifecycle] */
  void (*trigger_stop)(aoh_instance* self, aoh_trigger* trigger);
  /* Asks all work to end before deadline_ns (monotonic); returns at once. [lifecycle] */
  void (*quiesce)(aoh_instance* self, int64_t deadline_ns);
  /* No call or trigger is open. Joins every thread the instance made, closes what it opened, frees it.
   * [lifecycle] */
  void (*destroy)(aoh_instance* self);
  /* A table by id ("aoh.resources/1"); NULL for one it does not know, however alike. [any-thread] */
  const void* (*get_extension)(aoh_str id);
} aoh_module;

/* The one exported symbol. */
AOH_EXPORT extern const aoh_module aoh_module_v1;

#ifdef __cplusplus
}
#endif
#endif
