#include "imap/proto/special_use.hpp"

#include <algorithm>
#include <array>

#include "imap/proto/ascii.hpp"

namespace mailroom::imap {
namespace {

using namespace std::string_view_literals;

// Who calls it so: Dovecot, Cyrus, Fastmail, Thunderbird ("Drafts"); Apple Mail ("Sent Messages", "Deleted
// Messages"); Outlook and Exchange by the user's language ("Sent Items", "Gesendete Elemente", "Deleted
// Items"); Gmail below [Gmail] by the user's language ("Sent Mail", "Gesendet", "Messages envoyés"); GMX and
// WEB.DE ("Entwürfe", "Gesendet"); Tencent and NetEase ("草稿箱", "已发送"); Yandex and mail.ru ("Черновики",
// "Отправленные").
constexpr std::array kDrafts{
    "Drafts"sv,      "Draft"sv,      "Entwürfe"sv,   "Entwurf"sv,        "Brouillons"sv,
    "Borradores"sv,  "Bozze"sv,      "Rascunhos"sv,  "Concepten"sv,      "Utkast"sv,
    "Kladder"sv,     "Luonnokset"sv, "Szkice"sv,     "Wersje robocze"sv, "Koncepty"sv,
    "Piszkozatok"sv, "Taslaklar"sv,  "Черновики"sv,  "Чернетки"sv,       "草稿箱"sv,
    "草稿"sv,        "下書き"sv,     "임시보관함"sv, "임시 보관함"sv,    "Drafts Folder"sv};
constexpr std::array kSent{"Sent"sv,
                           "Sent Items"sv,
                           "Sent Messages"sv,
                           "Sent Mail"sv,
                           "Gesendet"sv,
                           "Gesendete Elemente"sv,
                           "Gesendete Objekte"sv,
                           "Gesendete Nachrichten"sv,
                           "Messages envoyés"sv,
                           "Éléments envoyés"sv,
                           "Envoyés"sv,
                           "Envoyé"sv,
                           "Enviados"sv,
                           "Elementos enviados"sv,
                           "Mensajes enviados"sv,
                           "Correo enviado"sv,
                           "Inviati"sv,
                           "Posta inviata"sv,
                           "Itens Enviados"sv,
                           "E-mails enviados"sv,
                           "Verzonden"sv,
                           "Verzonden items"sv,
                           "Verzonden berichten"sv,
                           "Skickat"sv,
                           "Skickade objekt"sv,
                           "Sendt"sv,
                           "Sendt post"sv,
                           "Sendte elementer"sv,
                           "Lähetetyt"sv,
                           "Wysłane"sv,
                           "Elementy wysłane"sv,
                           "Odeslané"sv,
                           "Odeslaná pošta"sv,
                           "Elküldött"sv,
                           "Gönderilmiş Öğeler"sv,
                           "Отправленные"sv,
                           "Надіслані"sv,
                           "已发送"sv,
                           "已发送邮件"sv,
                           "寄件備份"sv,
                           "送信済み"sv,
                           "送信済みアイテム"sv,
                           "보낸편지함"sv,
                           "보낸 편지함"sv};
constexpr std::array kTrash{"Trash"sv,
                            "Deleted Items"sv,
                            "Deleted Messages"sv,
                            "Deleted"sv,
                            "Bin"sv,
                            "Papierkorb"sv,
                            "Gelöscht"sv,
                            "Gelöschte Elemente"sv,
                            "Corbeille"sv,
                            "Éléments supprimés"sv,
                            "Papelera"sv,
                            "Elementos eliminados"sv,
                            "Cestino"sv,
                            "Posta eliminata"sv,
                            "Lixeira"sv,
                            "Itens Excluídos"sv,
                            "Prullenbak"sv,
                            "Verwijderde items"sv,
                            "Papperskorgen"sv,
                            "Papirkurv"sv,
                            "Roskakori"sv,
                            "Kosz"sv,
                            "Koš"sv,
                            "Kuka"sv,
                            "Çöp Kutusu"sv,
                            "Корзина"sv,
                            "Удаленные"sv,
                            "Кошик"sv,
                            "已删除"sv,
                            "已删除邮件"sv,
                            "ゴミ箱"sv,
                            "휴지통"sv};
constexpr std::array kJunk{"Junk"sv,
                           "Spam"sv,
                           "Junk E-mail"sv,
                           "Junk Email"sv,
                           "Junk Mail"sv,
                           "Bulk Mail"sv,
                           "Bulk"sv,
                           "Spamverdacht"sv,
                           "Junk-E-Mail"sv,
                           "Unerwünscht"sv,
                           "Courrier indésirable"sv,
                           "Pourriel"sv,
                           "Correo no deseado"sv,
                           "Posta indesiderata"sv,
                           "Lixo Eletrônico"sv,
                           "Ongewenst"sv,
                           "Ongewenste e-mail"sv,
                           "Skräppost"sv,
                           "Roskaposti"sv,
                           "Wiadomości-śmieci"sv,
                           "Nevyžádaná pošta"sv,
                           "Спам"sv,
                           "垃圾邮件"sv,
                           "垃圾箱"sv,
                           "迷惑メール"sv,
                           "스팸메일함"sv,
                           "스팸함"sv};
constexpr std::array kArchive{"Archive"sv,    "Archives"sv, "All Mail"sv, "Archiv"sv, "Archivio"sv,
                              "Archivo"sv,    "Arquivo"sv,  "Archief"sv,  "Arkiv"sv,  "Arkisto"sv,
                              "Archiwum"sv,   "Arşiv"sv,    "Архив"sv,    "归档"sv,   "存档"sv,
                              "アーカイブ"sv, "보관함"sv};

std::size_t depth(const ListEntry& e) {
  return e.delimiter == 0 ? 0
                          : static_cast<std::size_t>(std::count(e.name.begin(), e.name.end(), e.delimiter));
}

bool selectable(const ListEntry& e) { return !e.has("\\Noselect") && !e.has("\\NonExistent"); }

/// The part of the name that may be a well-known one; empty where the mailbox lies elsewhere.
std::string_view own_name(const ListEntry& e) {
  const std::string_view whole = e.name;
  const std::size_t cut = e.delimiter == 0 ? whole.npos : whole.find(e.delimiter);
  if (cut == whole.npos) return whole;
  const std::string_view parent = whole.substr(0, cut), rest = whole.substr(cut + 1);
  if (rest.find(e.delimiter) != rest.npos) return {};
  return same(parent, "INBOX") || same(parent, "[Gmail]") || same(parent, "[Google Mail]")
             ? rest
             : std::string_view();
}

}  // namespace

std::string_view attribute(Use use) {
  static constexpr std::string_view kNames[] = {"\\Drafts", "\\Sent", "\\Trash", "\\Junk", "\\Archive"};
  return kNames[static_cast<int>(use)];
}

std::string_view name(Use use) {
  static constexpr std::string_view kNames[] = {"drafts", "sent", "trash", "junk", "archive"};
  return kNames[static_cast<int>(use)];
}

std::span<const std::string_view> well_known_names(Use use) {
  switch (use) {
    case Use::drafts:
      return kDrafts;
    case Use::sent:
      return kSent;
    case Use::trash:
      return kTrash;
    case Use::junk:
      return kJunk;
    case Use::archive:
      break;
  }
  return kArchive;
}

const ListEntry* find_special(const std::vector<ListEntry>& entries, Use use) {
  const ListEntry* best = nullptr;
  for (const ListEntry& e : entries)
    if (selectable(e) && e.has(attribute(use)) && (!best || depth(e) < depth(*best))) best = &e;
  if (best) return best;
  for (const std::string_view wanted : well_known_names(use))
    for (const ListEntry& e : entries)
      if (selectable(e) && same(own_name(e), wanted)) return &e;
  return nullptr;
}

std::vector<std::string> names_to_create(const std::vector<ListEntry>& entries, Use use) {
  return names_to_create(entries, std::string(well_known_names(use).front()));
}

std::vector<std::string> names_to_create(const std::vector<ListEntry>& entries, const std::string& top) {
  char delimiter = 0;
  bool others_at_top = false, below_inbox = false;
  for (const ListEntry& e : entries) {
    const bool inbox = same(e.name, "INBOX");
    if (inbox || delimiter == 0) delimiter = e.delimiter;
    const bool below = e.delimiter && e.name.size() > 6 &&
                       same(std::string_view(e.name).substr(0, 5), "INBOX") && e.name[5] == e.delimiter;
    below_inbox = below_inbox || below;
    others_at_top = others_at_top || (!inbox && !below);
  }
  if (delimiter == 0) return {top};
  const std::string below = std::string("INBOX") + delimiter + top;
  // Courier and Cyrus keep everything below INBOX, and refuse a name at the top.
  if (below_inbox && !others_at_top) return {below, top};
  return {top, below};
}

}  // namespace mailroom::imap
