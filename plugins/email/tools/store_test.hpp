// `host-stub integration test` for an object store, step by step.
#pragma once
#include <string_view>

#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// Connects (look-up, TCP, TLS), then with a small probe object of a random name: put, head, link (downloads
/// it by a presigned link and compares), tampered (the same link with another signature must be refused),
/// delete (and sees that it is gone). The answer has the form of credential_test()'s, with server "s3"; steps
/// behind a failed one are skipped, but what was put is deleted. Blocks; at most about two minutes.
aoh::Result store_test(const Toolbox& box, std::string_view credential_id, aoh::Call& call);

}  // namespace mailroom::tools
