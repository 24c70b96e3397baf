#include "mime/smime.hpp"

#include <openssl/cms.h>
#include <openssl/err.h>

#include <memory>

namespace mailroom::mime {
namespace {

using Cms = std::unique_ptr<CMS_ContentInfo, decltype(&CMS_ContentInfo_free)>;

Cms read(std::string_view der) {
  Cms cms(nullptr, &CMS_ContentInfo_free);
  if (der.size() > kMaxCmsBytes) return cms;
  const auto* p = reinterpret_cast<const unsigned char*>(der.data());
  cms.reset(d2i_CMS_ContentInfo(nullptr, &p, static_cast<long>(der.size())));
  ERR_clear_error();  // what OpenSSL says of a stranger's bytes is nobody else's error
  return cms;
}

}  // namespace

std::string cms_kind(std::string_view der) {
  const Cms cms = read(der);
  if (!cms) return {};
  switch (OBJ_obj2nid(CMS_get0_type(cms.get()))) {
    case NID_pkcs7_enveloped:
    case NID_id_smime_ct_authEnvelopedData:
      return "smime-encrypted";
    case NID_id_smime_ct_compressedData:
      return "smime-compressed";
    case NID_pkcs7_signed: {
      ASN1_OCTET_STRING** content = CMS_get0_content(cms.get());
      return content && *content ? "smime-signed" : "smime-certificates";
    }
    default:
      return {};
  }
}

std::optional<std::string> cms_signed_content(std::string_view der) {
  const Cms cms = read(der);
  if (!cms || OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_signed) return {};
  ASN1_OCTET_STRING** content = CMS_get0_content(cms.get());
  ERR_clear_error();
  if (!content || !*content) return {};
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(*content)),
                     static_cast<std::size_t>(ASN1_STRING_length(*content)));
}

}  // namespace mailroom::mime
