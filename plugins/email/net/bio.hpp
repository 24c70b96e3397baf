// OpenSSL's way to the socket.
#pragma once

struct bio_st;

namespace mailroom::net {

/// A BIO over a non-blocking descriptor that it does not own. It sends with MSG_NOSIGNAL, so that a dead peer
/// is an error and not a SIGPIPE: a module changes no process-wide signal handling. Null when out of memory.
bio_st* make_socket_bio(int fd);

}  // namespace mailroom::net
