#include "read/to_blob.hpp"

#include <optional>

#include "mime/compose.hpp"
#include "mime/parse.hpp"
#include "read/part_decoder.hpp"
#include "read/part_plan.hpp"
#include "read/reader.hpp"

namespace mailroom::read {
namespace {

constexpr std::size_t kWrite = 1u << 20;

/// A blob that is being written; removed again unless it was sealed.
class BlobWriter {
 public:
  BlobWriter(const ToBlob& to, const aoh::Json& info) : blobs_(to.services.blobs) {
    guarded([&] { id_ = blobs_.create(to.owner, info); });
    held_.reserve(kWrite);
  }
  ~BlobWriter() {
    if (id_.empty()) return;
    try {
      blobs_.remove(id_);
    } catch (const std::exception&) {
      // the host removes what was not sealed when it starts
    }
  }
  BlobWriter(const BlobWriter&) = delete;
  BlobWriter& operator=(const BlobWriter&) = delete;

  void add(std::string_view piece) {
    held_ += piece;
    if (held_.size() >= kWrite) flush();
  }
  aoh::Json seal() {
    flush();
    aoh::Json info;
    guarded([&] { info = blobs_.seal(id_); });
    if (!info.has("id")) info.set("id", id_);
    id_.clear();
    return info;
  }

 private:
  void flush() {
    if (!held_.empty()) guarded([&] { blobs_.write(id_, held_); });
    held_.clear();
  }
  template <class F>
  void guarded(F f) {
    try {
      f();
    } catch (const aoh::StatusError& e) {
      Error error = host::from_status(e.status, "the bytes could not be stored as a blob");
      if (e.status == AOH_E_BUSY) error.cure = "The blob quota is used up: host-stub purge makes room";
      throw Failure(std::move(error));
    }
  }

  aoh::Blobs blobs_;
  std::string id_;  // empty: nothing to remove
  std::string held_;
};

/// One section of one message on its way to the writer.
class ToWriter final : public imap::SectionSink {
 public:
  ToWriter(imap::Uid uid, std::string section, std::string_view encoding, std::uint64_t most,
           BlobWriter& writer)
      : uid_(uid),
        section_(std::move(section)),
        most_(most),
        decoder_(encoding, [&writer](std::string_view piece) { writer.add(piece); }) {}

  bool begin(const imap::SectionStart& s) override {
    if (taken_ || s.name != section_ || (s.uid != 0 && s.uid != uid_)) return false;
    too_many(s.size);
    taken_ = true;
    return true;
  }
  void bytes(std::string_view piece) override {
    fetched_ += piece.size();
    decoder_.add(piece);
  }
  /// What came with the row after all: a server may send small ones as a quoted string.
  void kept(const imap::Section& s) {
    too_many(s.bytes.size());
    bytes(s.bytes);
  }
  void finish() { decoder_.finish(); }
  std::uint64_t fetched() const { return fetched_; }
  bool broken() const { return decoder_.broken(); }

 private:
  void too_many(std::uint64_t n) const {
    if (n > most_)
      throw Failure(Errc::limit, "it has " + std::to_string(n) + " bytes, more than " + std::to_string(most_),
                    "message UID " + std::to_string(uid_));
  }

  const imap::Uid uid_;
  const std::string section_;
  const std::uint64_t most_;
  PartDecoder decoder_;
  bool taken_ = false;
  std::uint64_t fetched_ = 0;
};

[[noreturn]] void gone(imap::Uid uid) {
  throw Failure(Errc::not_found, "the message is gone", "message UID " + std::to_string(uid));
}

net::Task<Stored> store(imap::Client& client, imap::Uid uid, std::string section, std::string encoding,
                        aoh::Json info, ToBlob to) {
  BlobWriter writer(to, info);
  ToWriter sink(uid, section, encoding, to.max_bytes, writer);
  std::vector<imap::FetchRequest> requests(1);
  requests[0].set = imap::UidSet::one(uid);
  requests[0].items.flags = requests[0].items.object_ids = false;
  requests[0].items.sections.push_back({section, std::nullopt, 0});
  std::optional<imap::MessageRow> row;
  Error unread;
  const imap::OnRow on_row = [&](imap::MessageRow&& r) {
    if (r.error)
      unread = std::move(r.error);
    else if (r.section(section) && !row)
      row = std::move(r);
  };
  co_await client.uid_fetch(std::move(requests), on_row, &sink);
  if (unread) {
    unread.code = Errc::unsupported;
    throw Failure(std::move(unread));
  }
  if (!row || row->section(section)->nil) gone(uid);
  if (!row->section(section)->streamed) sink.kept(*row->section(section));
  sink.finish();
  Stored out;
  out.fetched = sink.fetched();
  out.broken = sink.broken();
  out.blob = writer.seal();
  co_return out;
}

}  // namespace

net::Task<Stored> part_to_blob(imap::Client& client, imap::MessageRow head, std::string number, ToBlob to) {
  const std::string where = "message UID " + std::to_string(head.uid) + ", part " + printable(number, 60);
  if (!head.structure)
    throw Failure(Errc::unsupported, "the server does not tell which parts the message has", where,
                  "Fetch the message whole, with format raw");
  const imap::BodyPart* part = find_part(*head.structure, number);
  if (!part)
    throw Failure(Errc::not_found, "the message has no such part", where,
                  "email_fetch tells its attachments' parts");
  if (part->size > to.max_bytes)
    throw Failure(
        Errc::limit,
        "the part has " + std::to_string(part->size) + " bytes, more than " + std::to_string(to.max_bytes),
        where);
  std::string header;
  if (head.structure->type != "multipart") {
    if (const imap::Section* h = head.section("HEADER")) header = h->bytes;
  } else {
    imap::FetchItems items;
    items.flags = items.object_ids = false;
    items.sections.push_back({number + ".MIME", 64u << 10, 0});
    const std::optional<imap::MessageRow> row = co_await fetch_one(client, head.uid, items);
    if (!row) gone(head.uid);
    if (const imap::Section* h = row->section(number + ".MIME")) header = h->bytes;
  }
  if (!header.ends_with("\r\n\r\n"))
    header += header.empty() || header.ends_with("\r\n") ? "\r\n" : "\r\n\r\n";
  // The part's header by itself, as a message without a body: read by the parser that reads whole ones.
  const std::optional<mime::DecodedPart> named = mime::decode_part(header, "1");
  const std::string type = part->type + "/" + part->subtype;
  std::string name = named && named->filename ? *named->filename : "";
  if (name.empty()) name = part->type == "message" ? "message.eml" : "attachment";
  aoh::Json info{{"mime_type", type}, {"filename", mime::safe_filename(name)}};
  std::string encoding = part->type == "message" ? "" : part->encoding;
  Stored out = co_await store(client, head.uid, number, std::move(encoding), std::move(info), to);
  if (named) out.charset = named->charset;
  co_return out;
}

net::Task<Stored> message_to_blob(imap::Client& client, imap::Uid uid, ToBlob to) {
  aoh::Json info{{"mime_type", "message/rfc822"}, {"filename", "message.eml"}};
  co_return co_await store(client, uid, "", "", std::move(info), to);
}

}  // namespace mailroom::read
