// format=flowed (RFC 3676) and what is written into plain text beside text (internal to mime/).
#pragma once
#include <string>
#include <string_view>

#include "mime/warnings.hpp"

namespace mailroom::mime {

/// Joins the sender's own soft line breaks and takes its space-stuffing away; `delsp` removes the trailing
/// blank. Quoted lines stay as they stand: they are somebody else's, and are recognised line by line. LF in,
/// LF out.
std::string unflow(std::string_view text, bool delsp);

/// Says where uuencoded or yEnc files, or PGP armour, stand in a text.
void embedded_warnings(std::string_view text, Warnings& warnings);

}  // namespace mailroom::mime
