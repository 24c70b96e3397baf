// One request to an OAuth 2 endpoint and its answer: http/exchange over net's stream.
#pragma once
#include <chrono>
#include <string>

#include "host/oauth_settings.hpp"
#include "http/exchange.hpp"
#include "net/connect.hpp"
#include "support/secret.hpp"

namespace mailroom::oauth {

/// All of a request together, connecting included.
inline constexpr std::chrono::milliseconds kRequestTime{12'000};

/// POSTs a form to `url`, one of the settings' endpoints, over a connection of its own. Certificates are
/// verified as for mail; redirections are answers like others. Nothing that is sent or answered is traced,
/// only that it was. `executor`: the calling coroutine's strand. Throws Failure: those of net::open(),
/// timeout, closed, protocol, limit (an answer of more than 64 KiB).
net::Task<http::HttpResponse> post(net::Executor executor, net::Context context, host::OAuthSettings settings,
                                   std::string url, aoh::Secret body, net::TraceSink trace = {});

}  // namespace mailroom::oauth
