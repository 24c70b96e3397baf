#include "deliver/tls_policy.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "deliver/tag_list.hpp"
#include "mime/ascii.hpp"

namespace mailroom::deliver {
namespace {

TagList tags_of(std::string_view txt, const char* version) {
  TagList tags = TagList::parse(txt);
  if (tags.all().empty() || tags.all().front() != std::make_pair(std::string("v"), std::string(version)))
    throw Failure(Errc::invalid, std::string("the record does not begin with v=") + version,
                  printable(txt, 60));
  return tags;
}

}  // namespace

MtaSts parse_mta_sts(std::string_view txt) {
  const TagList tags = tags_of(txt, "STSv1");
  MtaSts out{tags.value("id")};
  const bool sound = !out.id.empty() && out.id.size() <= 32 &&
                     std::all_of(out.id.begin(), out.id.end(),
                                 [](char c) { return mime::is_alpha(c) || mime::is_digit(c); });
  if (!sound)
    throw Failure(Errc::invalid, "id= is not 1 to 32 letters and digits", printable("id=" + out.id, 60));
  return out;
}

TlsRpt parse_tls_rpt(std::string_view txt) {
  const TagList tags = tags_of(txt, "TLSRPTv1");
  TlsRpt out{pieces(tags.value("rua"), ',')};
  if (out.report_to.empty()) throw Failure(Errc::invalid, "rua= is missing", printable(txt, 60));
  for (const std::string& uri : out.report_to)
    if (!uri.starts_with("mailto:") && !uri.starts_with("https:"))
      throw Failure(Errc::invalid,
                    "rua= has an address that is neither mailto: nor https:", printable(uri, 100));
  return out;
}

}  // namespace mailroom::deliver
