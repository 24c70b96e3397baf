#include "deliver/links.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace mailroom::deliver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint64_t MB = 1'000'000;
const std::string kToken(32, 'a');

TEST(Links, SizesCountAfterEncoding) {
  EXPECT_EQ(encoded_size(0), 0u);
  EXPECT_EQ(encoded_size(1), 4u + 2);
  EXPECT_EQ(encoded_size(57), 76u + 2);
  EXPECT_EQ(encoded_size(58), 80u + 4);
  EXPECT_EQ(message_ceiling(25 * MB, 0), 25 * MB);
  EXPECT_EQ(message_ceiling(25 * MB, 10 * MB), 10 * MB);
  EXPECT_EQ(message_ceiling(25 * MB, 50 * MB), 25 * MB);
}

TEST(Links, TheLargestGoFirstUntilTheRestFits) {
  EXPECT_THAT(choose_links({}, 100, 25 * MB), IsEmpty());
  EXPECT_THAT(choose_links({5 * MB, 13 * MB}, 1000, 25 * MB), IsEmpty());
  // 19 MB fit as they are, and do not once they are encoded.
  EXPECT_THAT(choose_links({19 * MB}, 1000, 25 * MB), ElementsAre(0));
  EXPECT_THAT(choose_links({5 * MB, 13 * MB, 4 * MB}, 1000, 25 * MB), ElementsAre(1));
  EXPECT_THAT(choose_links({10 * MB, 10 * MB, 10 * MB}, 1000, 25 * MB), ElementsAre(1, 2));
  EXPECT_THAT(choose_links({10, 20}, 26 * MB, 25 * MB), ElementsAre(0, 1));
  EXPECT_THAT(choose_links({UINT64_MAX, 1, UINT64_MAX}, UINT64_MAX, 25 * MB), ElementsAre(0, 1, 2));
}

TEST(Links, TheRestAlwaysFitsAndNothingGoesInVain) {
  std::uint64_t seed = 7;
  const auto next = [&](std::uint64_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::uint64_t> sizes(next(8));
    for (auto& s : sizes) s = next(12 * MB);
    const std::uint64_t ceiling = 10 * MB + next(15 * MB);
    const auto chosen = choose_links(sizes, 5000, ceiling);
    std::uint64_t rest = 5000, smallest = UINT64_MAX;
    for (std::size_t i = 0; i < sizes.size(); ++i)
      if (std::find(chosen.begin(), chosen.end(), i) == chosen.end())
        rest += encoded_size(sizes[i]) + kPartOverhead;
      else
        smallest = std::min(smallest, sizes[i]);
    EXPECT_LE(rest, ceiling);
    if (!chosen.empty()) {
      EXPECT_GT(rest + encoded_size(smallest) + kPartOverhead, ceiling);
    }
  }
}

TEST(Links, NamesOfObjects) {
  EXPECT_EQ(object_key("mail/links/", kToken, "Report 2026.pdf"),
            "mail/links/" + kToken + "/Report_2026.pdf");
  EXPECT_EQ(object_key("", kToken, "../../etc/passwd"), kToken + "/etc_passwd");
  EXPECT_EQ(object_key("", kToken, "\xD1\x84\xD0\xB0\xD0\xB9\xD0\xBB"), kToken + "/file");
  const std::string key = object_key("", kToken, std::string(500, 'x') + ".tar.gz");
  EXPECT_LE(key.size(), 32u + 1 + 80);
  EXPECT_TRUE(key.ends_with(".gz"));
  for (const char* token :
       {"", "short", "../../../../../../../../../../../..", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    EXPECT_THROW(object_key("", token, "x"), Failure) << token;
  for (const char* prefix : {"/a", "a//b", "a/../b", ".", "a b", "a?b", "a\nb"})
    EXPECT_THROW(object_key(prefix, kToken, "x"), Failure) << prefix;
}

TEST(Links, TheDownloadHasTheRightName) {
  EXPECT_EQ(content_disposition("a.pdf"), "attachment; filename=\"a.pdf\"");
  EXPECT_EQ(content_disposition("\xC3\xA4 b.pdf"),
            "attachment; filename=\"b.pdf\"; filename*=UTF-8''%C3%A4%20b.pdf");
  for (const char* name : {"a\"b.pdf", "a\r\nX: y", "a\\b"}) {
    const std::string d = content_disposition(name);
    EXPECT_EQ(d.find_first_of("\r\n\\"), std::string::npos) << d;
    EXPECT_EQ(std::count(d.begin(), d.end(), '"'), 2) << d;
  }
}

TEST(Links, SizesForPeople) {
  EXPECT_EQ(human_size(0), "0 bytes");
  EXPECT_EQ(human_size(1), "1 byte");
  EXPECT_EQ(human_size(999), "999 bytes");
  EXPECT_EQ(human_size(1500), "1.5 kB");
  EXPECT_EQ(human_size(999'999), "1.0 MB");
  EXPECT_EQ(human_size(300 * MB), "300 MB");
  EXPECT_EQ(human_size(2'000 * MB), "2.0 GB");
  EXPECT_EQ(utc_minute(1'700'000'000), "2023-11-14 22:13 UTC");
}

TEST(Links, BlocksTellEverythingAndLetNothingThrough) {
  const LinkText l{
      "<b>\"R\xE2\x80\xAE"
      "fdp.exe\r\nBcc: x",
      300 * MB, std::string(64, 'e'), 1'700'000'000, "https://s.example.org/b/k?A=1&B=\"2\""};
  const std::string text = text_block({l}), html = html_block({l});
  for (const std::string& block : {text, html}) {
    EXPECT_THAT(block, HasSubstr("300 MB"));
    EXPECT_THAT(block, HasSubstr(l.sha256));
    EXPECT_THAT(block, HasSubstr("2023-11-14 22:13 UTC"));
    EXPECT_THAT(block, Not(HasSubstr("\xE2\x80\xAE")));  // no turning of "exe" into "pdf"
    EXPECT_THAT(block, Not(HasSubstr("\nBcc")));
    EXPECT_EQ(block.find('\r'), std::string::npos);
  }
  EXPECT_THAT(text, HasSubstr("  " + l.url + "\n"));
  EXPECT_THAT(html, Not(HasSubstr("<b>")));
  EXPECT_THAT(html, HasSubstr("https://s.example.org/b/k?A=1&amp;B=&quot;2&quot;\""));
  EXPECT_EQ(text_block({}), "");
  EXPECT_EQ(html_block({}), "");
  for (const char* url :
       {"javascript:alert(1)", "https://x/\r\nBcc: y", "https://x/ y", "data:text/html,x"}) {
    LinkText bad = l;
    bad.url = url;
    EXPECT_THROW(html_block({bad}), Failure) << url;
    EXPECT_THROW(text_block({bad}), Failure) << url;
  }
}

}  // namespace
}  // namespace mailroom::deliver
