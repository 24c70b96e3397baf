# Without PROGRAM: for tools that read the sources before anything is built.
set(hash "")
if(PROGRAM)
  file(SHA256 ${PROGRAM} hash)
endif()
file(CONFIGURE OUTPUT ${HEADER} @ONLY CONTENT [[
// Generated: the SHA-256 of documents-parser.
#pragma once
#include <string_view>
namespace mailroom::documents {
inline constexpr std::string_view kParserSha256 = "@hash@";
}
]])
