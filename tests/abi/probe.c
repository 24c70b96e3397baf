/* Names every struct of the interface in a function's type, so that abidw sees the services too: a module
 * reaches them through const void *, which hides them. Never run. */
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

#define PROBE(type)                                \
  AOH_EXPORT void probe_##type(const type* value); \
  void probe_##type(const type* value) { (void)value; }

PROBE(aoh_str)
PROBE(aoh_sink)
PROBE(aoh_error)
PROBE(aoh_host)
PROBE(aoh_call)
PROBE(aoh_event)
PROBE(aoh_trigger)
PROBE(aoh_module)
PROBE(aoh_background_v1)
PROBE(aoh_blob_v1)
PROBE(aoh_clock_v1)
PROBE(aoh_credential_v1)
PROBE(aoh_extract_v1)
PROBE(aoh_extractor_v1)
PROBE(aoh_setup_v1)
PROBE(aoh_knowledge_v1)
PROBE(aoh_label)
PROBE(aoh_log_v1)
PROBE(aoh_metrics_v1)
PROBE(aoh_session_v1)
PROBE(aoh_state_op)
PROBE(aoh_state_v1)
PROBE(aoh_vault_v1)
