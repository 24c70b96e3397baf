// A part decoded piece by piece reads as the whole does.
#include "read/part_decoder.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/error.hpp"
#include "mime/parse.hpp"

namespace mailroom::read {
namespace {

struct Got {
  std::string bytes;
  bool broken;
  std::size_t most = 0;  // the largest piece that came out
};

Got decode(std::string_view text, std::string_view encoding, std::size_t piece) {
  Got g{};
  PartDecoder d(encoding, [&](std::string_view out) {
    g.bytes += out;
    g.most = std::max(g.most, out.size());
  });
  for (std::size_t i = 0; i < text.size(); i += piece) d.add(text.substr(i, piece));
  d.finish();
  g.broken = d.broken();
  return g;
}

void same_as_whole(std::string_view text, std::string_view encoding, std::size_t piece) {
  const mime::DecodedPart whole = mime::decode_body(text, encoding);
  const Got g = decode(text, encoding, piece);
  EXPECT_TRUE(g.bytes == whole.bytes) << encoding << " of " << text.size() << " bytes in pieces of " << piece;
  EXPECT_EQ(g.broken, whole.broken) << encoding << " of " << text.size() << " bytes in pieces of " << piece;
}

TEST(PartDecoder, ReadsWhatTheWholeReads) {
  const std::vector<std::string> texts = {"",
                                          "SGVsbG8gd29ybGQ=\r\n",
                                          "SGVsbG8g\r\n d29y bGQ\r\n",
                                          "SGVs=bG8g!!d29y\r\n====",
                                          "QQ==\r\nQg==\r\n",
                                          "A",
                                          "a=3Db =\r\n c=\r\n\r\nd \t\r\n=zz=4",
                                          "begin 644 x\n#0V%T\n`\nend\n",
                                          "plain text\r\n"};
  for (const char* encoding :
       {"base64", "BASE64 (x)", "Quoted-Printable", "7bit", "8BIT", "", "x-uuencode", "x-strange"})
    for (const std::string& text : texts)
      for (const std::size_t piece : {1, 2, 3, 5, 1000}) same_as_whole(text, encoding, piece);
}

TEST(PartDecoder, LargePartsGoThroughASmallRoom) {
  std::mt19937 random(7);
  std::string bits, qp, line;
  const std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (bits.size() < 500'000) {
    for (int i = 0; i < 76; ++i) bits += alphabet[random() % 64];
    bits += random() % 50 == 0 ? "\n" : "\r\n";
    if (random() % 200 == 0) bits += "A";  // from here on lines end within a group
  }
  while (qp.size() < 500'000) switch (random() % 9) {
      case 0:
        qp += "=\r\n";
        break;
      case 1:
        qp += " \t \r\n";
        break;
      case 2:
        qp += "=C3=BC";
        break;
      case 3:
        qp += "= \n";
        break;
      case 4:
        qp += std::string(random() % 90'000, 'x');
        break;  // a line longer than the room
      default:
        qp += "some words and ";
        break;
    }
  std::string one_line(bits);
  std::erase(one_line, '\n');
  std::erase(one_line, '\r');
  for (const std::size_t piece : {1ul, 4'000ul, 16'384ul, 700'000ul}) {
    same_as_whole(bits, "base64", piece);
    same_as_whole(one_line, "base64", piece);
    same_as_whole(qp, "quoted-printable", piece);
  }
  EXPECT_LE(decode(bits, "base64", 1'000'000).most, PartDecoder::kPiece);
  EXPECT_LE(decode(qp, "quoted-printable", 1'000'000).most, PartDecoder::kPiece);
  EXPECT_TRUE(decode("QQ==\r\n" + bits, "base64", 4'000).broken);  // two encodings glued, seen across pieces
}

TEST(PartDecoder, HoldsOnlySoMuch) {
  PartDecoder d("x-uuencode", [](std::string_view) {});
  const std::string piece(PartDecoder::kMostHeld, 'x');
  d.add(piece);
  EXPECT_THROW(d.add("x"), Failure);
}

}  // namespace
}  // namespace mailroom::read
