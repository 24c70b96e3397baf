// Messages in an order of the server's, or grouped into conversations by it: SORT and THREAD (RFC 5256).
// Pure.
#pragma once
#include <vector>

#include "imap/proto/response.hpp"
#include "imap/proto/search.hpp"

namespace mailroom::imap {

/// By what: arrival is INTERNALDATE, date the Date header, subject the base subject, from the first sender's
/// mailbox name (RFC 5256 §3).
enum class SortKey { arrival, date, size, subject, from };

struct Sort {
  SortKey key = SortKey::arrival;
  bool reverse = false;
};

/// REFS groups by references alone (RFC draft of the name, Dovecot); REFERENCES also by equal subjects.
enum class Threading { refs, references };

Command sort_command(Sort sort, const Criteria& criteria);
Command thread_command(Threading algorithm, const Criteria& criteria);

/// `* SORT 5 3 4`: appended in the server's order. Throws Failure: protocol, limit.
void parse_sort(Response& response, std::vector<Uid>& uids, const Limits& limits);
/// `* THREAD (2)(3 6 (4 23)(44 7 96))`: each conversation's messages, in the order they stand there; who
/// answers whom is left out. Nesting costs nothing. Throws Failure: protocol (also where parentheses do not
/// balance), limit.
void parse_thread(Response& response, std::vector<std::vector<Uid>>& threads, const Limits& limits);

}  // namespace mailroom::imap
