// Archives (libarchive): what is in them, and the files whose text can be read, handed on one after another.
// Nothing is unpacked to a disk; links and devices are listed, not followed.
#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>

#include "base/error.hpp"
#include "parser/names.hpp"
#include "parser/parsers.hpp"

namespace mailroom::documents {
namespace {

constexpr std::size_t kMaxListed = 1000;       // names in the facts
constexpr std::size_t kMaxMember = 64u << 20;  // bytes of one file that is handed on

class Reader {
 public:
  Reader(const Context& c, const Kind& kind)
      : c_(c), kind_(kind), archive_(archive_read_new(), &archive_read_free) {
    archive* const a = archive_.get();
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    if (kind.name == "zip") archive_read_support_format_zip_seekable(a);
    archive_read_support_format_tar(a);
    archive_read_support_format_7zip(a);
    archive_read_support_format_rar(a);
    archive_read_support_format_rar5(a);
    // One packed file that is no archive; only where the packing was seen, or it would take anything.
    packed_ = kind.name == "gzip" || kind.name == "bzip2" || kind.name == "xz" || kind.name == "zstd";
    if (packed_) archive_read_support_format_raw(a);
    if (archive_read_open_memory(a, c.bytes.data(), c.bytes.size()) != ARCHIVE_OK)
      damaged("it cannot be opened");
  }

  void read() {
    archive_entry* entry = nullptr;
    bool first = true;
    while (true) {
      const int got = archive_read_next_header(archive_.get(), &entry);
      if (got == ARCHIVE_EOF) break;
      if (got < ARCHIVE_WARN) {
        if (encrypted() || archive_read_has_encrypted_entries(archive_.get()) > 0) {
          encrypted_ = true;
          break;
        }
        if (first) damaged("it cannot be read");
        c_.out.warn("damaged", "the archive is damaged after " + std::to_string(count_) + " files");
        break;
      }
      first = false;
      if (++count_ > c_.limits.max_entries) {
        c_.out.warn("limit_entries",
                    "only the first " + std::to_string(c_.limits.max_entries) + " files were looked at");
        break;
      }
      if (!one(entry)) break;
    }
    finish();
  }

 private:
  [[noreturn]] void damaged(const char* what) const {
    const char* const why = archive_error_string(archive_.get());
    throw Unreadable("damaged",
                     std::string("the archive is damaged: ") + what + (why ? ": " + printable(why, 150) : ""),
                     "Ask for the file again");
  }
  bool encrypted() const {
    const char* const why = archive_error_string(archive_.get());
    const std::string_view words = why ? why : "";
    return words.find("ncrypt") != words.npos || words.find("assphrase") != words.npos;
  }

  // False: no further one.
  bool one(archive_entry* entry) {
    const char* const path = archive_entry_pathname_utf8(entry) ? archive_entry_pathname_utf8(entry)
                                                                : archive_entry_pathname(entry);
    std::string name = path ? path : "";
    if (packed_ && archive_format(archive_.get()) == ARCHIVE_FORMAT_RAW) name = inner_name();
    const std::string shown = shown_name(name);
    for (const std::string& fault : name_faults(name))
      c_.out.warn("member_name", "a name " + fault + ": " + shown);
    if (!twins_.first(name))
      c_.out.warn("member_twin", "more than one file is called, as some file systems see it, " + shown);

    std::string what;
    const char* const hard = archive_entry_hardlink(entry);
    const auto type = archive_entry_filetype(entry);
    if (hard || type == AE_IFLNK)
      what = "link";
    else if (type == AE_IFDIR)
      what = "folder";
    else if (type != AE_IFREG && type != 0)
      what = "device";
    else if (archive_entry_is_encrypted(entry))
      what = "encrypted";
    if (what == "link" || what == "device")
      c_.out.warn("member_special", "a " + what + " is in the archive; it was not followed: " + shown);
    if (what == "encrypted") encrypted_ = true;
    bool go_on = true;
    std::uint64_t size = archive_entry_size_is_set(entry)
                             ? static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_entry_size(entry)))
                             : 0;
    if (what.empty()) go_on = contents(name, what, size);
    if (listed_.size() < kMaxListed)
      listed_.push(aoh::Json{{"name", shown}, {"size", size}}.set_if(!what.empty(), "note", what));
    list_ += shown + "\t" + std::to_string(size) + (what.empty() ? "" : "\t" + what) + "\n";
    return go_on;
  }

  // Reads a file's bytes whole, so that what a bomb unpacks to is counted as it goes; hands them on where
  // somebody reads it.
  bool contents(const std::string& name, std::string& what, std::uint64_t& size) {
    const void* block = nullptr;
    std::size_t n = 0;
    la_int64_t offset = 0;
    std::string head;  // until it is known what it is
    bool decided = false, open = false;
    size = 0;
    const auto decide = [&] {
      decided = true;
      const Kind& k = sniff(head, name, {});
      if (k.family == Family::none)
        what = std::string(k.name);
      else if (!c_.members)
        what = "not read: archives nest too deep";
      else if (members_ >= c_.limits.max_members)
        what = "not read: too many files";
      else
        open = true;
      if (open) {
        ++members_;
        c_.out.member(name);
        c_.out.member_data(head);
      }
      head.clear();
    };
    while (true) {
      const int got = archive_read_data_block(archive_.get(), &block, &n, &offset);
      if (got == ARCHIVE_EOF) break;
      if (got < ARCHIVE_WARN) {
        what = encrypted() ? "encrypted" : "damaged";
        encrypted_ |= what == "encrypted";
        break;
      }
      // A sparse file's hole counts as what it unpacks to.
      const std::uint64_t until = static_cast<std::uint64_t>(std::max<la_int64_t>(0, offset)) + n;
      const std::uint64_t grown = until > size ? until - size : n;
      size = std::max(size, until);
      unpacked_ += grown;
      const std::string_view bytes(static_cast<const char*>(block), n);
      if (unpacked_ > c_.limits.max_unpacked || (open && size > kMaxMember)) {
        what = "not read to its end: too large";
        break;
      }
      if (open)
        c_.out.member_data(bytes);
      else if (!decided) {
        head += bytes.substr(0, 64u << 10);
        if (bytes.size() > (64u << 10) || head.size() >= kSniffBytes) {
          decide();
          if (open && bytes.size() > (64u << 10)) c_.out.member_data(bytes.substr(64u << 10));
        }
      }
    }
    if (!decided && what.empty() && size > 0) decide();
    if (open) c_.out.member_end();
    if (what.ends_with("too large"))
      c_.out.warn("limit_unpacked",
                  "unpacking stopped: there are more bytes than are read in " + shown_name(name));
    return unpacked_ <= c_.limits.max_unpacked;
  }

  // "a.csv.gz" holds "a.csv".
  std::string inner_name() const {
    std::string name = c_.filename.empty() ? std::string("contents") : c_.filename;
    const std::size_t dot = name.rfind('.');
    if (dot != name.npos && dot > 0) name.resize(dot);
    return name;
  }

  void finish() {
    c_.out.facts(aoh::Json{{"kind", kind_.name}, {"entries", count_}, {"files", std::move(listed_)}});
    if (encrypted_) {
      c_.out.warn("encrypted", "some of the archive is encrypted; that was not read");
      if (members_ == 0 && list_.empty())
        throw Unreadable("encrypted", "the archive is encrypted with a password, its names included",
                         "Ask the sender for one without a password");
    }
    c_.out.mark("contents of the archive");
    c_.out.text(list_);
  }

  const Context& c_;
  const Kind& kind_;
  std::unique_ptr<archive, int (*)(archive*)> archive_;
  bool packed_ = false;     // one packed file, perhaps with a tar in it
  bool encrypted_ = false;  // some of it
  std::size_t count_ = 0, members_ = 0;
  std::uint64_t unpacked_ = 0;
  std::string list_;  // a line for each file
  aoh::Json listed_ = aoh::Json::array();
  Twins twins_;
};

}  // namespace

void parse_archive(const Context& c, const Kind& kind) { Reader(c, kind).read(); }

}  // namespace mailroom::documents
