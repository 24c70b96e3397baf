// What lies within a part: attached messages, digests, winmail.dat, opaque S/MIME; and what is named for what
// it is.
#include <gmock/gmock.h>

#include "mime/codec.hpp"
#include "mime/fence.hpp"
#include "mime/json.hpp"
#include "mime/parse.hpp"
#include "mime/tnef.hpp"

namespace mailroom::mime {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;

std::string codes(const Message& m) {
  std::string all;
  for (const auto& w : m.warnings) all += w.code + " ";
  return all;
}

std::string mixed(std::string_view second) {
  return "Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\n" +
         std::string(second) + "\r\n--b--\r\n";
}

TEST(Inner, AnAttachedMessageSaysWhoseItIsAndWhatItHolds) {
  const std::string inner =
      "From: Ann <ann@example.org>\r\nTo: joe@example.org\r\nSubject: =?utf-8?Q?=C3=A4?=\r\n"
      "Date: Thu, 1 Jan 1970 00:00:01 +0000\r\nMessage-ID: <1@x>\r\nContent-Type: multipart/mixed; "
      "boundary=c\r\n\r\n"
      "--c\r\n\r\ninner text\r\n--c\r\nContent-Type: image/png; name=i.png\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\nYWJj\r\n--c--";
  for (const bool encoded : {false, true}) {
    const std::string raw = mixed(
        "Content-Type: message/rfc822\r\n" +
        (encoded ? "Content-Transfer-Encoding: base64\r\n\r\n" + encode_base64(inner) : "\r\n" + inner));
    const Message m = parse(raw);
    EXPECT_EQ(m.text, "hi");
    ASSERT_EQ(m.attachments.size(), 1u);
    const Attachment& a = m.attachments[0];
    EXPECT_EQ(a.kind, "message");
    ASSERT_TRUE(a.message);
    EXPECT_EQ(a.message->subject, "ä");
    EXPECT_EQ(a.message->message_id, "1@x");
    EXPECT_EQ(a.message->date, "1970-01-01T00:00:01Z");
    EXPECT_THAT(a.message->from, ElementsAre(Address{"Ann", "ann@example.org", ""}));
    ASSERT_EQ(a.contents.size(), 2u);
    EXPECT_EQ(a.contents[0].part, "2.1");
    EXPECT_EQ(a.contents[1].part, "2.2");
    EXPECT_EQ(a.contents[1].filename, "i.png");
    EXPECT_EQ(decode_part(raw, "2.1")->bytes, "inner text");
    EXPECT_EQ(decode_part(raw, "2.2")->bytes, "abc");
    EXPECT_FALSE(decode_part(raw, "2.3"));
    EXPECT_FALSE(decode_part(raw, "2.2.1"));
    const auto json = to_json(m)["attachments"].items().front();
    EXPECT_EQ(json["message"]["subject"].str(), "ä");
    EXPECT_EQ(json["contents"].items().size(), 2u);
    EXPECT_NE(render_for_model(m, "0123456789abcdef").find("  part 2.2: i.png, image/png"),
              std::string::npos);
  }
}

TEST(Inner, PartsAreReachedThroughMessagesInMessages) {
  std::string raw = "Subject: 0\r\n\r\nbottom";
  for (int i = 1; i <= 5; ++i)
    raw = "Subject: " + std::to_string(i) + "\r\nContent-Type: message/rfc822\r\n\r\n" + raw;
  EXPECT_EQ(decode_part(raw, "1.1.1.1.1.1")->bytes, "bottom");
  EXPECT_FALSE(decode_part(raw, "1.1.1.1.1.1.1"));
  std::string deep = "Subject: x\r\n\r\nx";
  for (int i = 0; i < 100; ++i) deep = "Content-Type: message/rfc822\r\n\r\n" + deep;
  std::string path = "1";
  for (int i = 0; i < 100; ++i) path += ".1";
  EXPECT_FALSE(decode_part(deep, path));  // deeper than it goes
}

TEST(Inner, ADigestIsMessages) {
  const Message m = parse(
      "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: "
      "one\r\n\r\n1\r\n--b\r\n\r\nSubject: "
      "two\r\n\r\n2\r\n--b--\r\n");
  ASSERT_EQ(m.attachments.size(), 2u);
  EXPECT_EQ(m.attachments[0].message->subject, "one");
  EXPECT_EQ(m.attachments[1].message->subject, "two");
  EXPECT_EQ(m.attachments[1].contents[0].part, "2.1");
}

std::string le(std::uint64_t n, int size) {
  std::string out;
  for (int i = 0; i < size; ++i) out += static_cast<char>(n >> (8 * i) & 255u);
  return out;
}
std::string attribute(int level, std::uint32_t id, const std::string& data) {
  return le(static_cast<std::uint64_t>(level), 1) + le(id, 4) + le(data.size(), 4) + data + le(0, 2);
}
std::string property(std::uint32_t type, std::uint32_t id, std::string value) {
  const std::string head = le(type, 2) + le(id, 2);
  if (type == 3) return head + value;
  const std::string size = le(value.size(), 4);
  value.resize((value.size() + 3) / 4 * 4);
  return head + le(1, 4) + size + value;
}
std::string wide(std::string_view ascii) {
  std::string out;
  for (char c : ascii) out += std::string{c, '\0'};
  return out + std::string(2, '\0');
}
const std::string kTnef = le(0x223E9F78, 4) + le(1, 2);
constexpr std::string_view kHello =  // MS-OXRTFCP §4.1.1
    "\x2d\0\0\0\x2b\0\0\0\x4c\x5a\x46\x75\xf1\xc5\xc7\xa7\x03\0\x0a\0\x72\x63\x70\x67\x31\x32\x35\x42\x32\x0a"
    "\xf3\x20"
    "\x68\x65\x6c\x09\0\x20\x62\x77\x05\xb0\x6c\x64\x7d\x0a\x80\x0f\xa0";

std::string winmail() {
  const std::string named = le(0x1F, 2) + le(0x8001, 2) + std::string(16, 'g') + le(1, 4) + le(6, 4) +
                            "a\0b\0\0\0" + le(0, 2) + le(1, 4) + le(4, 4) + "x\0\0\0";
  return kTnef + attribute(1, 0x00069007, le(1252, 4) + le(0, 4)) +
         attribute(1, 0x00069003,
                   le(2, 4) + property(0x03, 0x3FDE, le(65001, 4)) +
                       property(0x102, 0x1009, std::string(kHello.data(), 49))) +
         attribute(2, 0x00069002, std::string(14, '\0')) +
         attribute(2, 0x00018010, std::string("SHORT~1.TXT\0", 12)) + attribute(2, 0x0006800F, "hello") +
         attribute(2, 0x00069005,
                   le(2, 4) + property(0x1F, 0x3707, wide("a long name.txt")) +
                       property(0x1E, 0x370E, std::string("Text/Plain\0", 11))) +
         attribute(2, 0x00069002, std::string(14, '\0')) +
         attribute(2, 0x00018010, std::string("M\xfcller.pdf\0", 11)) + attribute(2, 0x0006800F, "PDF");
}

TEST(Inner, WinmailIsOpened) {
  const std::string raw =
      "Subject: w\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n" +
      encode_base64(winmail());
  const Message m = parse(raw);
  ASSERT_EQ(m.attachments.size(), 1u);
  EXPECT_EQ(m.attachments[0].kind, "tnef");
  EXPECT_EQ(m.attachments[0].filename, "winmail.dat");
  ASSERT_EQ(m.attachments[0].contents.size(), 2u);
  EXPECT_EQ(m.attachments[0].contents[0].filename, "a long name.txt");
  EXPECT_EQ(m.attachments[0].contents[0].mime_type, "text/plain");
  EXPECT_EQ(m.attachments[0].contents[0].part, "1.tnef.1");
  EXPECT_EQ(m.attachments[0].contents[0].size, 5u);
  EXPECT_EQ(m.attachments[0].contents[1].filename, "Müller.pdf");
  EXPECT_EQ(m.text, "hello world");  // of the compressed RTF, since the message has no text of its own
  EXPECT_EQ(codes(m), "");
  EXPECT_EQ(decode_part(raw, "1.tnef.1")->bytes, "hello");
  EXPECT_EQ(decode_part(raw, "1.tnef.1")->filename, "a long name.txt");
  EXPECT_EQ(decode_part(raw, "1.tnef.2")->bytes, "PDF");
  for (const char* none : {"1.tnef.3", "1.tnef.0", "1.tnef.", "1.tnef", "1.tnef.1.1", "1.tnef.99999999999"})
    EXPECT_FALSE(decode_part(raw, none)) << none;
}

TEST(Inner, WinmailBesideATextLeavesTheText) {
  const Message m =
      parse(mixed("Content-Type: application/octet-stream; name=WINMAIL.DAT\r\nContent-Transfer-Encoding: "
                  "base64\r\n\r\n" +
                  encode_base64(winmail())));
  EXPECT_EQ(m.text, "hi");
  EXPECT_EQ(m.attachments.at(0).contents.size(), 2u);
}

TEST(Inner, WinmailCutAnywhereIsReadAsFarAsItGoes) {
  const std::string whole = winmail();
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    const auto tnef = parse_tnef(std::string_view(whole).substr(0, n), 1000);
    EXPECT_EQ(tnef.has_value(), n >= 4) << n;
    EXPECT_LE(tnef ? tnef->files.size() : 0, 2u);
  }
  EXPECT_NE(
      codes(parse(mixed("Content-Type: application/ms-tnef\r\n\r\nno such thing"))).find("tnef_damaged"),
      std::string::npos);
  std::string lies =
      kTnef + attribute(1, 0x00069003, le(0xFFFFFFFF, 4) + le(0x1003, 2) + le(1, 2) + le(0xFFFFFFFF, 4));
  EXPECT_TRUE(parse_tnef(lies, 1000)->damaged);
}

TEST(Rtf, Decompresses) {
  EXPECT_EQ(decompress_rtf(std::string_view(kHello.data(), 49), 1000),
            "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
  // Runs into what it is writing (MS-OXRTFCP §4.1.2).
  constexpr char kRun[] =
      "\x1a\0\0\0\x1c\0\0\0\x4c\x5a\x46\x75\xe2\xd4\x4b\x51\x41\x00\x04\x20\x57\x58\x59\x5a\x0d\x6e\x7d\x01"
      "\x0e\xb0";
  EXPECT_EQ(decompress_rtf(std::string_view(kRun, 30), 1000), "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
  EXPECT_EQ(decompress_rtf(std::string_view(kRun, 30), 10), "{\\rtf1 WXY");
  EXPECT_FALSE(decompress_rtf("too short", 10));
}

TEST(Rtf, Text) {
  const struct {
    std::string_view rtf, text;
  } table[] = {
      {"{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\f0 one\\par two\\tab x}", "one\ntwo\tx"},
      {"{\\rtf1\\ansicpg1251 \\'cf\\'f0}", "Пр"},
      {"{\\rtf1\\uc1 \\u228?b\\u-10179?\\u-8704?}", "äb😀"},
      {"{\\rtf1 a\\{b\\}c\\\\d\\~e}", "a{b}c\\d e"},
      {"{\\rtf1{\\*\\generator X;}a{\\*\\htmltag64 <p>}b\\htmlrtf \\par\\htmlrtf0 c}", "ab\nc"},
      {"{\\rtf1 \\ldblquote a\\rdblquote\\emdash}", "“a”—"},
      {"}}}{{{\\", ""},
      {"{\\pict 0123}x", "x"},
      {"{\\rtf1\\bin5 abcdef}", "f"},
  };
  for (const auto& row : table) EXPECT_EQ(rtf_to_text(row.rtf, 1000), row.text) << row.rtf;
}

constexpr std::string_view kSigned =  // openssl cms -sign -nodetach
    "MIIBXAYJKoZIhvcNAQcCoIIBTTCCAUkCAQExDTALBglghkgBZQMEAgEwgaMGCSqGSIb3DQEHAaCBlQSBkkNvbnRlbnQtVHlwZTogbXVs"
    "dGlwYXJ0"
    "L21peGVkOyBib3VuZGFyeT1pDQoNCi0taQ0KQ29udGVudC1UeXBlOiB0ZXh0L3BsYWluDQoNCnNpZ25lZCB0ZXh0DQotLWkNCkNvbnRl"
    "bnQtVHlw"
    "ZTogdGV4dC9jc3Y7IG5hbWU9YS5jc3YNCg0KMSwyDQotLWktLQ0KMYGOMIGLAgEBMCQwDDEKMAgGA1UEAwwBeAIUKh+"
    "uGhDmx4P6qVc0xiLZiau5"
    "i9cwCwYJYIZIAWUDBAIBMAoGCCqGSM49BAMCBEcwRQIhALKJYgIez6LJGchMZP4axEDL+pCof248UOM2Ctx6R0kzAiBJGqBh/"
    "bXjbtcigucxhkGu"
    "imufqr5sn6h/KblAs32JAA==";
constexpr std::string_view kEnveloped =  // openssl cms -encrypt
    "MIIBowYJKoZIhvcNAQcDoIIBlDCCAZACAQIxgcuhgcgCAQOgUaFPMAkGByqGSM49AgEDQgAE5FherBKq/"
    "KRtqx9nlnV4IZcGUEzpUrKFM/qWV9gj"
    "UdN0E4FOS+F3bejCdRck6YOglzsVBnIi1wGqxtAJqAP91DAcBgkrgQUQhkg/"
    "AAIwDwYLKoZIhvcNAQkQAwYFADBSMFAwJDAMMQowCAYDVQQDDAF4"
    "AhQqH64aEObHg/"
    "qpVzTGItmJq7mL1wQohMnQLDJF0T00bb4lAfby4JRdxGW497tDkaDX3CX2IwkZpQDNTGzyADCBvAYJKoZIhvcNAQcBMBQGCCqG"
    "SIb3DQMHBAiSQdoensT1MoCBmEyoxCWGzKGMKTKC2MWixYUvoYmLi2TDtcMf/"
    "Gdp4KVV9Gl60yfYvmAp4sRlSWWa3es960kHm9VACiRPUOAdtUx3"
    "Cms6MI6iwMPDKOT4e4x9/NRhLkb1XycVY/"
    "dSFBYFtzOE6jjSD53CIGK5Ik+MaIqzLVKaLyCejY4T6pihHwrypt8svCg+xjaAEczUT21SU2vRtDEN"
    "arzf";

std::string pkcs7(std::string_view parameters, std::string_view base64) {
  return "Subject: s\r\nContent-Type: application/pkcs7-mime; name=smime.p7m" + std::string(parameters) +
         "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + std::string(base64);
}

TEST(Smime, TheContentOfAnOpaqueSignatureIsShownAndSaid) {
  for (std::string_view parameters : {"; smime-type=signed-data", ""}) {
    const std::string raw = pkcs7(parameters, kSigned);
    const Message m = parse(raw);
    EXPECT_EQ(m.text, "signed text");
    EXPECT_EQ(codes(m), "signature_unverified ");
    ASSERT_EQ(m.attachments.size(), 1u);
    EXPECT_EQ(m.attachments[0].kind, "smime-signed");
    EXPECT_EQ(m.attachments[0].filename, "smime.p7m");
    ASSERT_EQ(m.attachments[0].contents.size(), 1u);
    EXPECT_EQ(m.attachments[0].contents[0].part, "1.smime.2");
    EXPECT_EQ(m.attachments[0].contents[0].filename, "a.csv");
    EXPECT_EQ(decode_part(raw, "1.smime.2")->bytes, "1,2");
    EXPECT_EQ(decode_part(raw, "1.smime.1")->bytes, "signed text");
  }
}

TEST(Smime, EncryptedIsSaidNotGuessed) {
  for (std::string_view parameters : {"; smime-type=enveloped-data", "; smime-type=signed-data", ""}) {
    const Message m = parse(pkcs7(parameters, kEnveloped));
    EXPECT_FALSE(m.text);
    EXPECT_EQ(codes(m), "encrypted ");
    EXPECT_EQ(m.attachments.at(0).kind, "smime-encrypted");
  }
  EXPECT_EQ(parse(pkcs7("", "bm9uc2Vuc2U=")).attachments.at(0).kind, "smime");
}

TEST(Kinds, AreNamed) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"application/pkcs7-signature; name=smime.p7s", "smime-signature"},
      {"application/pgp-signature", "pgp-signature"},
      {"application/pgp-keys", "pgp-key"},
      {"message/delivery-status", "delivery-status"},
      {"message/disposition-notification", "read-receipt"},
      {"message/external-body; access-type=x", "external"},
      {"text/rfc822-headers", "headers"},
      {"text/calendar", "calendar"},
      {"application/pdf", ""},
  };
  for (const auto& [type, kind] : table)
    EXPECT_EQ(parse(mixed("Content-Type: " + std::string(type) + "\r\n\r\nx")).attachments.at(0).kind, kind)
        << type;
  const Message m = parse(
      "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\n"
      "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: "
      "application/octet-stream\r\n\r\n"
      "-----BEGIN PGP MESSAGE-----\r\n--b--\r\n");
  EXPECT_EQ(codes(m), "encrypted ");
  EXPECT_EQ(m.attachments.at(0).kind, "pgp-control");
  EXPECT_EQ(m.attachments.at(1).kind, "pgp-encrypted");
}

}  // namespace
}  // namespace mailroom::mime
