/* Sizes and offsets of every struct of the interface, on 64-bit machines. A line may be added; none may
 * change within a major version. */
#include "aoh/extensions/background.h"
#include "aoh/extensions/extractor.h"
#include "aoh/extensions/setup.h"
#include "aoh/module.h"
#include "aoh/services/blob.h"
#include "aoh/services/clock.h"
#include "aoh/services/credential.h"
#include "aoh/services/extract.h"
#include "aoh/services/knowledge.h"
#include "aoh/services/log.h"
#include "aoh/services/metrics.h"
#include "aoh/services/session.h"
#include "aoh/services/state.h"
#include "aoh/services/vault.h"

#define SIZE(type, n) _Static_assert(sizeof(type) == (n), "the size of " #type " changed")
#define AT(type, member, n) \
  _Static_assert(offsetof(type, member) == (n), "the place of " #type "." #member " changed")

/* clang-format off */
SIZE(aoh_str, 16);
AT(aoh_str, ptr, 0);
AT(aoh_str, len, 8);
SIZE(aoh_sink, 16);
AT(aoh_sink, struct_size, 0);
AT(aoh_sink, pad, 4);
AT(aoh_sink, write, 8);
SIZE(aoh_error, 16);
AT(aoh_error, struct_size, 0);
AT(aoh_error, pad, 4);
AT(aoh_error, set, 8);
SIZE(aoh_host, 24);
AT(aoh_host, struct_size, 0);
AT(aoh_host, abi_major, 4);
AT(aoh_host, abi_minor, 8);
AT(aoh_host, pad, 12);
AT(aoh_host, get_service, 16);
SIZE(aoh_call, 80);
AT(aoh_call, struct_size, 0);
AT(aoh_call, flags, 4);
AT(aoh_call, deadline_ns, 8);
AT(aoh_call, context_json, 16);
AT(aoh_call, approval_json, 32);
AT(aoh_call, cancelled, 48);
AT(aoh_call, on_cancel, 56);
AT(aoh_call, progress, 64);
AT(aoh_call, finish, 72);
SIZE(aoh_event, 80);
AT(aoh_event, struct_size, 0);
AT(aoh_event, pad, 4);
AT(aoh_event, occurred_unix_ns, 8);
AT(aoh_event, type, 16);
AT(aoh_event, blueprint, 32);
AT(aoh_event, dedupe_key, 48);
AT(aoh_event, payload_json, 64);
SIZE(aoh_trigger, 48);
AT(aoh_trigger, struct_size, 0);
AT(aoh_trigger, pad, 4);
AT(aoh_trigger, emit, 8);
AT(aoh_trigger, on_ready, 16);
AT(aoh_trigger, health, 24);
AT(aoh_trigger, stopping, 32);
AT(aoh_trigger, stopped, 40);
SIZE(aoh_module, 104);
AT(aoh_module, struct_size, 0);
AT(aoh_module, abi_major, 4);
AT(aoh_module, abi_minor_needed, 8);
AT(aoh_module, flags, 12);
AT(aoh_module, describe, 16);
AT(aoh_module, create, 24);
AT(aoh_module, invoke, 32);
AT(aoh_module, credential_test, 40);
AT(aoh_module, credential_authorize, 48);
AT(aoh_module, trigger_start, 56);
AT(aoh_module, trigger_reconfigure, 64);
AT(aoh_module, trigger_stop, 72);
AT(aoh_module, quiesce, 80);
AT(aoh_module, destroy, 88);
AT(aoh_module, get_extension, 96);
SIZE(aoh_blob_v1, 64);
AT(aoh_blob_v1, struct_size, 0);
AT(aoh_blob_v1, revision, 4);
AT(aoh_blob_v1, create, 8);
AT(aoh_blob_v1, write, 16);
AT(aoh_blob_v1, seal, 24);
AT(aoh_blob_v1, stat, 32);
AT(aoh_blob_v1, read, 40);
AT(aoh_blob_v1, remove, 48);
AT(aoh_blob_v1, descriptor, 56);
SIZE(aoh_clock_v1, 40);
AT(aoh_clock_v1, struct_size, 0);
AT(aoh_clock_v1, revision, 4);
AT(aoh_clock_v1, wall_ns, 8);
AT(aoh_clock_v1, monotonic_ns, 16);
AT(aoh_clock_v1, schedule, 24);
AT(aoh_clock_v1, cancel, 32);
SIZE(aoh_credential_v1, 32);
AT(aoh_credential_v1, struct_size, 0);
AT(aoh_credential_v1, revision, 4);
AT(aoh_credential_v1, get, 8);
AT(aoh_credential_v1, list, 16);
AT(aoh_credential_v1, on_changed, 24);
SIZE(aoh_log_v1, 16);
AT(aoh_log_v1, struct_size, 0);
AT(aoh_log_v1, revision, 4);
AT(aoh_log_v1, write, 8);
SIZE(aoh_session_v1, 24);
AT(aoh_session_v1, struct_size, 0);
AT(aoh_session_v1, revision, 4);
AT(aoh_session_v1, current, 8);
AT(aoh_session_v1, append, 16);
SIZE(aoh_state_op, 48);
AT(aoh_state_op, struct_size, 0);
AT(aoh_state_op, remove, 4);
AT(aoh_state_op, key, 8);
AT(aoh_state_op, value, 24);
AT(aoh_state_op, expected_version, 40);
SIZE(aoh_state_v1, 32);
AT(aoh_state_v1, struct_size, 0);
AT(aoh_state_v1, revision, 4);
AT(aoh_state_v1, get, 8);
AT(aoh_state_v1, apply, 16);
AT(aoh_state_v1, list, 24);
SIZE(aoh_vault_v1, 24);
AT(aoh_vault_v1, struct_size, 0);
AT(aoh_vault_v1, revision, 4);
AT(aoh_vault_v1, read, 8);
AT(aoh_vault_v1, compare_and_set, 16);

SIZE(aoh_background_v1, 16);
AT(aoh_background_v1, struct_size, 0);
AT(aoh_background_v1, revision, 4);
AT(aoh_background_v1, start, 8);
SIZE(aoh_extractor_v1, 16);
AT(aoh_extractor_v1, struct_size, 0);
AT(aoh_extractor_v1, revision, 4);
AT(aoh_extractor_v1, extract, 8);

SIZE(aoh_setup_v1, 16);
AT(aoh_setup_v1, struct_size, 0);
AT(aoh_setup_v1, revision, 4);
AT(aoh_setup_v1, complete, 8);
SIZE(aoh_extract_v1, 24);
AT(aoh_extract_v1, struct_size, 0);
AT(aoh_extract_v1, revision, 4);
AT(aoh_extract_v1, types, 8);
AT(aoh_extract_v1, extract, 16);
SIZE(aoh_knowledge_v1, 72);
AT(aoh_knowledge_v1, struct_size, 0);
AT(aoh_knowledge_v1, revision, 4);
AT(aoh_knowledge_v1, begin, 8);
AT(aoh_knowledge_v1, append, 16);
AT(aoh_knowledge_v1, commit, 24);
AT(aoh_knowledge_v1, abandon, 32);
AT(aoh_knowledge_v1, put_blob, 40);
AT(aoh_knowledge_v1, stat, 48);
AT(aoh_knowledge_v1, remove, 56);
AT(aoh_knowledge_v1, remove_by, 64);
SIZE(aoh_label, 32);
AT(aoh_label, name, 0);
AT(aoh_label, value, 16);
SIZE(aoh_metrics_v1, 48);
AT(aoh_metrics_v1, struct_size, 0);
AT(aoh_metrics_v1, revision, 4);
AT(aoh_metrics_v1, define, 8);
AT(aoh_metrics_v1, add, 16);
AT(aoh_metrics_v1, set, 24);
AT(aoh_metrics_v1, observe, 32);
AT(aoh_metrics_v1, on_collect, 40);

/* Numbers that both sides have compiled in. */
#define IS(name, n) _Static_assert((name) == (n), #name " changed")
IS(AOH_ABI_MAJOR, 1);
IS(AOH_OK, 0);
IS(AOH_E_INVALID, -1);
IS(AOH_E_UNSUPPORTED, -2);
IS(AOH_E_DENIED, -3);
IS(AOH_E_NOT_FOUND, -4);
IS(AOH_E_CANCELLED, -5);
IS(AOH_E_DEADLINE, -6);
IS(AOH_E_BUSY, -7);
IS(AOH_E_STATE, -8);
IS(AOH_E_INTERNAL, -9);
IS(AOH_CALL_OPERATOR, 1);
IS(AOH_LOG_DEBUG, 0);
IS(AOH_LOG_INFO, 1);
IS(AOH_LOG_WARN, 2);
IS(AOH_LOG_ERROR, 3);
IS(AOH_LOG_BREACH, 4);
IS(AOH_METRIC_COUNTER, 1);
IS(AOH_METRIC_GAUGE, 2);
IS(AOH_METRIC_HISTOGRAM, 3);
IS(AOH_METRIC_COLLECTED, 1);
/* clang-format on */
