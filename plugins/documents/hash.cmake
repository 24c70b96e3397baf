file(SHA256 ${PROGRAM} hash)
file(CONFIGURE OUTPUT ${HEADER} @ONLY CONTENT [[
// Generated: the SHA-256 of documents-parser.
#pragma once
#include <string_view>
namespace mailroom::documents {
inline constexpr std::string_view kParserSha256 = "@hash@";
}
]])
