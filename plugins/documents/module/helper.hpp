// The parser's program, which lies beside this module and was built with it.
#pragma once
#include <string>
#include <string_view>

namespace mailroom::documents {

/// Absolute path of documents-parser beside the library that this function is in. The host trusts this
/// library by its hash; the hash of the program that belongs to it is built in, so it is trusted by the same
/// word. Throws Failure(config): it is not there, or it is another one. Reads the whole file.
std::string trusted_parser();

}  // namespace mailroom::documents
