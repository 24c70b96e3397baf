// Which mailbox is for what, over lists as real servers tell them.
#include "imap/proto/special_use.hpp"

#include <gtest/gtest.h>

namespace mailroom::imap {
namespace {

ListEntry box(std::string name, std::vector<std::string> attributes = {}, char delimiter = '/') {
  return {std::move(name), delimiter, std::move(attributes)};
}

std::string found(const std::vector<ListEntry>& list, Use use) {
  const ListEntry* e = find_special(list, use);
  return e ? e->name : "-";
}

TEST(SpecialUse, TheServersWordCountsForMoreThanAName) {
  const std::vector<ListEntry> list = {box("INBOX"), box("Drafts"),
                                       box("Entwürfe", {"\\HasNoChildren", "\\drafts"}), box("Sent Items"),
                                       box("Ausgang", {"\\Sent"})};
  EXPECT_EQ(found(list, Use::drafts), "Entwürfe");
  EXPECT_EQ(found(list, Use::sent), "Ausgang");
  EXPECT_EQ(found(list, Use::trash), "-");
}

TEST(SpecialUse, WhatCannotBeOpenedIsNone) {
  EXPECT_EQ(found({box("Drafts", {"\\Drafts", "\\Noselect"}), box("Draft")}, Use::drafts), "Draft");
  EXPECT_EQ(found({box("Drafts", {"\\NonExistent"})}, Use::drafts), "-");
}

TEST(SpecialUse, ASharedMailboxIsNotTakenForOnesOwn) {
  EXPECT_EQ(found({box("user/bob/Drafts"), box("shared/Sent")}, Use::drafts), "-");
  EXPECT_EQ(found({box("shared/Sent")}, Use::sent), "-");
  EXPECT_EQ(found({box("user/bob/Drafts", {"\\Drafts"}), box("Drafts", {"\\Drafts"})}, Use::drafts),
            "Drafts");
}

TEST(SpecialUse, NamesInManyLanguagesAndPlaces) {
  struct {
    ListEntry entry;
    Use use;
  } const table[] = {
      {box("sent items"), Use::sent},
      {box("INBOX.Drafts", {}, '.'), Use::drafts},
      {box("inbox.Sent", {}, '.'), Use::sent},
      {box("[Gmail]/Sent Mail"), Use::sent},
      {box("[Google Mail]/Entwürfe"), Use::drafts},
      {box("Gesendete Elemente"), Use::sent},
      {box("Éléments envoyés"), Use::sent},
      {box("草稿箱"), Use::drafts},
      {box("已发送"), Use::sent},
      {box("Черновики", {}, '|'), Use::drafts},
      {box("Bulk Mail"), Use::junk},
      {box("Deleted Messages"), Use::trash},
      {box("Archiv"), Use::archive},
      {box("Brouillons", {}, 0), Use::drafts},
  };
  for (const auto& row : table) EXPECT_EQ(found({box("INBOX"), row.entry}, row.use), row.entry.name);
  EXPECT_EQ(found({box("INBOX"), box("Drafts 2019"), box("My Sent")}, Use::drafts), "-");
}

TEST(SpecialUse, TheMoreUsualNameIsTaken) {
  EXPECT_EQ(found({box("Sent Messages"), box("Sent")}, Use::sent), "Sent");
}

TEST(SpecialUse, WhatIsMadeLiesWhereTheOthersLie) {
  using V = std::vector<std::string>;
  EXPECT_EQ(names_to_create({box("INBOX"), box("Work")}, Use::drafts), (V{"Drafts", "INBOX/Drafts"}));
  EXPECT_EQ(names_to_create({box("INBOX", {}, '.'), box("INBOX.Trash", {}, '.')}, Use::sent),
            (V{"INBOX.Sent", "Sent"}));
  EXPECT_EQ(names_to_create({box("INBOX", {}, '.'), box("INBOX.a", {}, '.'), box("b", {}, '.')}, Use::sent),
            (V{"Sent", "INBOX.Sent"}));
  EXPECT_EQ(names_to_create({box("INBOX", {}, 0)}, Use::sent), (V{"Sent"}));
  EXPECT_EQ(names_to_create({}, Use::drafts), (V{"Drafts"}));
}

}  // namespace
}  // namespace mailroom::imap
