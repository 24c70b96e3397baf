// The C functions of aoh.knowledge/1 and aoh.extract/1.
#pragma once
#include "aoh/services/extract.h"
#include "aoh/services/knowledge.h"

namespace aoh::host {

const aoh_knowledge_v1& knowledge_table();
const aoh_extract_v1& extract_table();

}  // namespace aoh::host
