// The data of untagged responses as values. All throw Failure(protocol), or Failure(limit), for what cannot
// be read.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "imap/proto/response.hpp"
#include "imap/proto/types.hpp"

namespace mailroom::imap {

/// `utf8_names`: Session::utf8_names(), also below. What LIST-EXTENDED puts behind the name is passed over.
ListEntry parse_list(Response& response, bool utf8_names = false);
/// The mailbox's name (UTF-8) goes to `mailbox`. A count that is none counts as missing.
StatusData parse_status(Response& response, std::string& mailbox, bool utf8_names = false);
/// `* SEARCH 2 3 6 (MODSEQ 917)`: appended to `uids`.
void parse_search(Response& response, std::vector<Uid>& uids, const Limits& limits);
/// `* ESEARCH (TAG "a1") UID ALL 1:3,5`: appended to `uids`. False when it answers a command other than
/// `tag`.
bool parse_esearch(Response& response, std::string_view tag, std::vector<Uid>& uids, const Limits& limits);
std::map<std::string, std::string> parse_id(Response& response);
/// RFC 8474 objectid: "(M123)", NIL for none; Gmail's are bare numbers.
std::string object_id(Tokens& tokens);
/// "1:3,5" expanded and appended; "*" is refused.
void expand(std::string_view set, std::vector<Uid>& uids, const Limits& limits);

}  // namespace mailroom::imap
