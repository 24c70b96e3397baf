// Frames, kinds and marks.
#include <gmock/gmock.h>

#include "module/text_to.hpp"
#include "parser/names.hpp"
#include "wire/frame.hpp"
#include "wire/kind.hpp"

using namespace mailroom::documents;
using testing::HasSubstr;

namespace {

std::vector<std::string> taken(FrameReader& r) {
  std::vector<std::string> out;
  for (FrameReader::Taken f; r.next(f);) out.push_back(static_cast<char>(f.type) + f.payload);
  return out;
}

TEST(Frames, ComeOutAsTheyWentInWhateverTheCuts) {
  const std::string all = encode(Frame::hello, "{}") + encode(Frame::mark, "page 1") +
                          encode(Frame::text, std::string(kMaxFrame, 'x')) + encode(Frame::member, "{}") +
                          encode(Frame::member_data, "") + encode(Frame::member_end, "") +
                          encode(Frame::done, "");
  FrameReader whole;
  whole.feed(all);
  const auto expected = taken(whole);
  ASSERT_EQ(expected.size(), 7u);
  for (std::size_t cut = 0; cut <= all.size(); cut += cut < 40 || cut + 60 > all.size() ? 1 : 977) {
    FrameReader r;
    r.feed(std::string_view(all).substr(0, cut));
    auto got = taken(r);
    EXPECT_FALSE(r.broken());
    r.feed(std::string_view(all).substr(cut));
    for (std::string& f : taken(r)) got.push_back(std::move(f));
    EXPECT_EQ(got, expected) << cut;
    EXPECT_TRUE(r.ended());
  }
}

TEST(Frames, WhatBreaksARuleEndsIt) {
  const std::string hello = encode(Frame::hello, "{}");
  for (const std::string& bad :
       {encode(Frame::text, "x"), hello + hello, hello + std::string("?\1\0\0\0x", 6),
        hello + std::string("T\0\0\1\1", 5), hello + encode(Frame::member_end, ""),
        hello + encode(Frame::member, "{}") + encode(Frame::done, ""),
        hello + encode(Frame::done, "") + encode(Frame::done, "")}) {
    FrameReader r;
    r.feed(bad);
    taken(r);
    EXPECT_TRUE(r.broken()) << bad;
    r.feed(hello);
    EXPECT_TRUE(taken(r).empty());
  }
}

struct Sniffed {
  std::string bytes;
  const char *name, *type, *kind;
};
const Sniffed kSniffed[] = {{"%PDF-1.7\n", "a.pdf", "", "pdf"},
                            {std::string("\0\0junk%PDF-1.4", 14), "", "", "pdf"},
                            {"PK\3\4....", "a.docx", "", "zip"},
                            {"\x1f\x8b\b", "a.tgz", "", "gzip"},
                            {std::string("MZ\0\0", 4) + std::string(100, '\0'), "quote.pdf", "", "program"},
                            {"<!DOCTYPE HTML><p>", "a.txt", "", "html"},
                            {"\n <HTML>", "", "", "html"},
                            {"<p>x", "", "text/html", "html"},
                            {"From: a@b.example\r\nSubject: x\r\n\r\nbody", "", "", "eml"},
                            {"From: here to there", "", "", "text"},
                            {"a,b\n", "a.csv", "", "csv"},
                            {"a,b\n", "", "text/csv; charset=utf-8", "csv"},
                            {"plain", "a.pdf", "application/pdf", "text"},
                            {std::string("\0\1\2\3", 4), "a.txt", "text/plain", "unknown"},
                            {"\xff\xfe"
                             "a\0",
                             "", "", "text"},
                            {"", "a.pdf", "", "empty"}};

TEST(Kinds, GoByTheBytes) {
  for (const Sniffed& s : kSniffed)
    EXPECT_EQ(sniff(s.bytes, s.name, s.type).name, s.kind) << s.bytes << " " << s.name;
}

TEST(Kinds, AContradictionIsSaid) {
  EXPECT_THAT(contradiction(kind("program"), "quote.pdf", "").value_or(""), HasSubstr("labelled as pdf"));
  EXPECT_THAT(contradiction(kind("html"), "", "application/pdf").value_or(""), HasSubstr("are html"));
  EXPECT_THAT(contradiction(kind("pdf"), "a.pdf", "image/png").value_or(""), HasSubstr("labelled as png"));
  EXPECT_FALSE(contradiction(kind("pdf"), "a.pdf", "application/octet-stream"));
  EXPECT_FALSE(contradiction(kind("csv"), "a.csv", "text/plain"));
  EXPECT_FALSE(contradiction(kind("gzip"), "a.tar", ""));
  EXPECT_FALSE(contradiction(kind("docx"), "unheard.of", "x/y"));
}

TEST(Marks, NoDocumentMakesOne) {
  for (std::size_t cut = 0; cut < 40; ++cut) {
    const std::string text = "a\n--- page 9 ---\n-- x\n---\n----- \nb --- c\n--- ";
    Window w(0, 1000);
    w.mark("page 1");
    w.text(std::string_view(text).substr(0, std::min(cut, text.size())));
    w.text(std::string_view(text).substr(std::min(cut, text.size())));
    w.finish();
    EXPECT_EQ(w.shown(), "--- page 1 ---\na\n --- page 9 ---\n-- x\n---\n----- \nb --- c\n --- ") << cut;
  }
}

TEST(Marks, WindowsJoinToTheWhole) {
  const auto fill = [](Window& w) {
    bool go = true;
    for (int page = 1; page < 6 && go; ++page) {
      go = w.mark("page " + std::to_string(page));
      for (int line = 0; line < 30 && go; ++line)
        go = w.text("--- Grüße, Zeile " + std::to_string(line) + "\n");
    }
    w.finish();
  };
  Window whole(0, 1u << 20);
  fill(whole);
  EXPECT_FALSE(whole.more());
  std::string joined;
  while (true) {
    Window w(joined.size(), 101);
    fill(w);
    joined += w.shown();
    if (!w.more()) break;
    ASSERT_FALSE(w.shown().empty());
  }
  EXPECT_EQ(joined, whole.shown());
}

TEST(Marks, TheHostsFormHasNoFormFeedOfTheDocuments) {
  std::string out;
  MarkedText m(
      [&](std::string_view s) {
        out += s;
        return true;
      },
      1000);
  Cleaner c;
  m.mark("page 1");
  m.text(c.feed("a\fb"));
  m.mark("page 2");
  m.text(c.feed("\xe2\x82"));
  m.text(c.feed("\xac"));
  EXPECT_EQ(out, "\fpage 1\nab\n\fpage 2\n€");
}

struct Name {
  std::string name;
  const char* fault;  // "": none
};
const Name kNames[] = {{"a/b c.txt", ""},
                       {"Grüße.pdf", ""},
                       {"../x", "leads out"},
                       {"a/../../x", "leads out"},
                       {"a\\..\\x", "leads out"},
                       {"/etc/passwd", "absolute"},
                       {"\\\\server\\share", "absolute"},
                       {"C:\\x", "absolute"},
                       {"c:x", "absolute"},
                       {"a\\b", "backslashes"},
                       {std::string("a\0b.exe", 7), "NUL"},
                       {"a\nb", "control"},
                       {"invoice\u202efdp.exe", "direction"},
                       {"a\u200bb", "hides"},
                       {"CON", "reserved"},
                       {"x/aux.txt", "reserved"},
                       {"com1 .log", "reserved"},
                       {"LPT9", "reserved"},
                       {std::string(4096, 'a'), "longer"},
                       {"\xff\xfe.txt", "UTF-8"},
                       {"", "empty"}};

TEST(Names, FaultsAreNamedAndNothingDangerousIsShown) {
  for (const Name& n : kNames) {
    const auto faults = name_faults(n.name);
    std::string all;
    for (const std::string& f : faults) all += f + "; ";
    EXPECT_EQ(faults.empty(), *n.fault == '\0') << n.name << ": " << all;
    EXPECT_THAT(all, HasSubstr(n.fault)) << n.name;
    const std::string shown = shown_name(n.name);
    EXPECT_LE(shown.size(), kMaxNameShown);
    EXPECT_EQ(shown.find_first_of(std::string("\0\n\r\x1b", 4)), shown.npos);
    EXPECT_EQ(shown.find("\u202e"), shown.npos);
  }
}

TEST(Names, TwinsByCaseAndNormalisation) {
  Twins t;
  EXPECT_TRUE(t.first("Straße.txt"));
  EXPECT_FALSE(t.first("STRASSE.TXT"));
  EXPECT_TRUE(t.first("caf\u00e9"));
  EXPECT_FALSE(t.first("cafe\u0301"));
  EXPECT_FALSE(t.first("CAFÉ"));
  EXPECT_TRUE(t.first("a/b"));
  EXPECT_FALSE(t.first("a\\b"));
}

}  // namespace
