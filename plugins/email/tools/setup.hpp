// What `host-stub credential add` finds out about a mail account from its address alone.
#pragma once
#include <string_view>

#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// aoh.setup/1 for the type "mail": the servers by a preset for the address's domain, else SRV records, else
/// the domain's autoconfig document, else a preset for where its mail is delivered (MX), else the providers'
/// collection; how one signs in there; and what is still to be asked. Everything over the configured DNS
/// servers and verified TLS (`ca_file` of the record counts); no secret leaves. Nothing found is no error:
/// the servers are asked for.
///
/// Blocks; as long as the call's deadline allows, some 30 s at most.
aoh::Result credential_setup(const Toolbox& box, std::string_view type, const aoh::Json& request,
                             aoh::Call& call);

}  // namespace mailroom::tools
