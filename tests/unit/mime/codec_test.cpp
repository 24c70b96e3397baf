// Transfer encodings and charsets: whole, broken and hostile.
#include "mime/codec.hpp"

#include <gtest/gtest.h>
#include <mimetic/codec/codec.h>

#include <iterator>
#include <random>

#include "mime/charset.hpp"
#include "mime/parse.hpp"
#include "mime/transfer.hpp"

namespace mailroom::mime {
namespace {

TEST(Base64, Table) {
  const struct {
    std::string_view in, out;
    bool broken;
  } table[] = {
      {"", "", false},
      {"YQ==", "a", false},
      {"YWI=", "ab", false},
      {"YWJj", "abc", false},
      {"Y W\r\nJj", "abc", false},
      {"YQ", "a", false},
      {"YWI", "ab", false},
      {"Y", "", true},
      {"YQ==YQ==", "aa", true},
      {"Y|W|J|j", "abc", true},
      {"====", "", false},
      {"YW=Jj", "a&", true},
      {"YWJj\x80\xff!", "abc", true},
  };
  for (const auto& row : table) {
    bool broken = false;
    EXPECT_EQ(decode_base64(row.in, &broken), row.out) << row.in;
    EXPECT_EQ(broken, row.broken) << row.in;
  }
}

TEST(QuotedPrintable, Table) {
  using namespace std::string_view_literals;
  const struct {
    std::string_view in, out;
    bool broken;
  } table[] = {
      {"", "", false},
      {"a=3Db", "a=b", false},
      {"a=\r\nb", "ab", false},
      {"a=\nb", "ab", false},
      {"a= \t\r\nb", "ab", false},
      {"a  \r\nb", "a\r\nb", false},
      {"a  \nb", "a\nb", false},
      {"a\tb", "a\tb", false},
      {"=c3=b6", "ö", false},
      {"a=", "a", false},
      {"a=Z", "a=Z", true},
      {"a=4", "a=4", true},
      {"=\x1b", "=\x1b", true},
      {"\x1b$B\x1b(B", "\x1b$B\x1b(B", false},
      {"a\rb", "a\rb", false},
      {"a =\r\n", "a ", false},
      {"a\0b"sv, "a\0b"sv, false},
      {"\xf6", "\xf6", false},
      {"\r\n\r\n", "\r\n\r\n", false},
  };
  for (const auto& row : table) {
    bool broken = false;
    EXPECT_EQ(decode_quoted_printable(row.in, &broken), row.out) << testing::PrintToString(row.in);
    EXPECT_EQ(broken, row.broken) << testing::PrintToString(row.in);
  }
}

template <class Codec>
std::string by_mimetic(Codec codec, const std::string& in) {
  std::string out;
  codec.process(in.begin(), in.end(), std::back_inserter(out));
  return out;
}

// On what is well-formed, mimetic is a judge: it shares no line with our decoders.
TEST(Codecs, DecodeAsMimeticDoes) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random() % 5000, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string base64 = encode_base64(bytes);
    EXPECT_EQ(decode_base64(base64), by_mimetic(mimetic::Base64::Decoder(), base64));
    for (char& c : bytes) c = static_cast<char>(c % 3 ? 'a' + (c & 15) : 0x80 | c);
    const std::string printable = encode_quoted_printable(bytes);
    EXPECT_EQ(decode_quoted_printable(printable), by_mimetic(mimetic::QP::Decoder(), printable));
  }
}

TEST(Codecs, BlocksAreTheWholeInPieces) {
  std::mt19937 random(13);
  std::string bytes(300'000, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  const std::string line(200'000, '=');
  const std::string cases[][2] = {
      {"base64", encode_base64(bytes)},
      {"base64", encode_base64_line(bytes)},
      {"quoted-printable", encode_quoted_printable(bytes)},
      {"quoted-printable", line},
      {"quoted-printable", std::string(150'000, 'x') + "=41" + std::string(150'000, ' ')},
      {"x-uuencode", "begin 644 a\n" + std::string(90'000, 'M')},
      {"8bit", bytes},
      {"x-unknown", bytes}};
  for (const auto& [encoding, text] : cases) {
    std::string scratch, joined;
    std::size_t longest = 0;
    bool broken = false, whole_broken = false;
    DecodedBytes blocks(scratch, [&](std::string_view block) {
      longest = std::max(longest, block.size());
      joined += block;
    });
    decode_transfer(text, transfer_of(encoding), blocks, broken);
    EXPECT_EQ(joined, decode_transfer(text, encoding, &whole_broken)) << encoding;
    EXPECT_EQ(broken, whole_broken);
    EXPECT_LE(longest, kDecodeBlock);
  }
}

TEST(Codecs, WhatIsEncodedDecodes) {
  std::mt19937 random(7);  // a fixed seed: the same inputs each time
  for (int round = 0; round < 300; ++round) {
    std::string bytes(random() % 400, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
    EXPECT_EQ(decode_base64(encode_base64_line(bytes)), bytes);
    std::string text;
    for (char c : bytes) {
      if (static_cast<unsigned char>(c) % 11 == 0)
        text += "\r\n";
      else if (static_cast<unsigned char>(c) % 5 == 0)
        text += " ";
      else
        text += c == '\r' || c == '\n' ? '=' : c;
    }
    const std::string encoded = encode_quoted_printable(text);
    EXPECT_EQ(decode_quoted_printable(encoded), text);
    std::size_t line = 0;
    for (char c : encoded) {
      line = c == '\n' ? 0 : line + 1;
      ASSERT_LE(line, 77u);  // 76 and the CR
    }
  }
}

TEST(Uuencode, DecodesAndSaysWhenCut) {
  bool broken = false;
  EXPECT_EQ(decode_uuencode("begin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n", &broken), "abc");
  EXPECT_FALSE(broken);
  EXPECT_EQ(decode_uuencode("begin 644 a.txt\n#86)C\n", &broken), "abc");
  EXPECT_TRUE(broken);
}

TEST(TransferEncoding, UnknownIsTakenAsItIsAndSaid) {
  EXPECT_EQ(decode_body("abc", "x-strange").bytes, "abc");
  EXPECT_TRUE(decode_body("abc", "x-strange").broken);
  EXPECT_EQ(decode_body("YWJj", " BASE64 (comment)").bytes, "abc");
  EXPECT_FALSE(decode_body("abc", "7bit").broken);
}

TEST(Charset, LabelsMeanWhatBrowsersTakeThemFor) {
  const struct {
    std::string_view label, bytes, text;
  } table[] = {
      {"iso-8859-1", "\x93q\x94", "“q”"},  // windows-1252 said to be ISO-8859-1
      {"us-ascii", "\xf6", "ö"},
      {"us-ascii", "\xC3\xB6", "ö"},
      {"gb2312", "\xbb\xd8", "回"},
      {"GBK", "\xbb\xd8", "回"},
      {"big5", "\xa6\x5e", "回"},
      {"utf-7", "+APY-", "ö"},
      {"koi8-r", "\xf0", "П"},
      {"ISO-2022-JP", "\x1b$BF|K\\\x1b(B", "日本"},
      {"", "\x1b$BF|K\\\x1b(B", "日本"},  // unlabelled, but unmistakable
      {"utf-8", "\xEF\xBB\xBFx", "x"},
      {"utf-8", "a\xffz", "a\xEF\xBF\xBDz"},
      {"\"utf-8\"", "ö", "ö"},
      {"x-unknown", "\xf6", "\xEF\xBF\xBD"},  // a label that nobody knows says as little as none
      {"iso8859_1", "\x80", "€"},
      {"win-1251", "\xcf", "П"},
      {"cp1251", "\xcf", "П"},
      {"x-cp1250", "\x8a", "Š"},
      {"charset=koi8-r", "\xf0", "П"},
      {"latin-1", "\xe4", "ä"},
      {"gb2312", "\x80\xb0\xa1", "€啊"},
      {"ks_c_5601-1987", "\xc8\xfe\x81\x41", "힝갂"},
      {"euc-kr", "\x81\x41", "갂"},
      {"shift_jis", "\x87\x40\xb1", "①ｱ"},
      {"iso-2022-jp", "\x1b$B-!|q\x1b(I1\x1b(B.", "①ⅰｱ."},
      {"cp50221", "\x1b(I1\x1b(B", "ｱ"},
      {"iso-2022-jp-ms", "\x1b$B-!\x1b(B", "①"},
      {"iso-2022-jp", "\x1b$BF|\r\nabc", "日\nabc"},           // a line ends in ASCII
      {"iso-2022-jp", "\x1b$BF|K\x1b(B.", "日\xEF\xBF\xBD."},  // half a character
      {"iso-2022-jp-2", "\x1b$A0!\x1b(B", "啊"},
      {"hz-gb-2312", "~{0!~}", "啊"},
      {"iso-8859-15", "\xa4", "€"},
      {"iso-8859-16", "\xaa\xfe\xff", "Șțÿ"},
      {"tis-620", "\xa1", "ก"},
      {"utf-16", std::string_view("\xFE\xFF\0a", 4), "a"},
      {"utf-16", std::string_view("a\0b\0", 4), "ab"},
      {"utf-16", std::string_view("\0a\0b", 4), "ab"},
      {"utf-16le", "plain after all", "plain after all"},
      {"euc-jp", "\xC6\xFC", "日"},
      {"unknown-8bit", "\xe4", "\xEF\xBF\xBD"},
      {"utf-8", "\xf0\x9f\x98", "\xEF\xBF\xBD"},  // one for each maximal subpart, as browsers count
      {"utf-8", "\xe2\x82x\xff\xff", "\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"", "ö", "ö"},
      {"", "\xf6", "\xEF\xBF\xBD"},  // nothing says what it is: no guess
      {"utf-16le", std::string_view("a\0b\0", 4), "ab"},
      {"utf-8,swaplfnl", "a", "a"},
      {"", "a\rb\r\nc\n", "a\nb\nc\n"},
  };
  for (const auto& row : table) EXPECT_EQ(to_utf8_text(row.bytes, row.label), row.text) << row.label;
}

TEST(Charset, AGuessIsOneThatCanBeRead) {
  const std::string bytes("V\xB9\xB9\x08\0\0\0f\xE4\xB9", 10);  // ICU takes it for EBCDIC
  EXPECT_EQ(guess_charset(bytes, "7"), "windows-1252");
}

TEST(Charset, LongTextKeepsCharactersThatStraddleABuffer) {
  std::string bytes, expected;
  for (int i = 0; i < 5000; ++i) {  // beyond one buffer, pairs of surrogates at every offset
    if (i == 2500) {
      bytes += "x";
      expected += "x";
    }
    bytes += "\x94\x39\xda\x33";  // U+1F4A9 in GB 18030
    expected += "💩";
  }
  EXPECT_EQ(to_utf8_text(bytes, "gb18030"), expected);
}

}  // namespace
}  // namespace mailroom::mime
