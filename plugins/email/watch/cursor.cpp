#include "watch/cursor.hpp"

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "support/json.hpp"

namespace mailroom::watch {
namespace {

constexpr std::size_t kDigest = 12;

std::string hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string unhex(std::string_view text) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out += static_cast<char>(value(text[i]) << 4 | value(text[i + 1]));
  return out;
}

std::uint32_t number_at(const char* at) {
  std::uint32_t v = 0;
  for (std::size_t i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(at[i]);
  return v;
}
std::uint32_t date_of(const char* entry) { return number_at(entry + kDigest); }
std::uint32_t uid_of(const char* entry) { return number_at(entry + kDigest + 4); }

void append(std::string& to, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(v >> shift);
}

// The UIDs apart, for an older numbering's say nothing.
aoh::Json known_json(const Known& k, bool with_uids) {
  std::string digests, uids;
  for (std::size_t i = 0; i < k.size(); ++i) {
    digests += k.packed().substr(i * Known::kEntry, kDigest + 4);
    uids += k.packed().substr(i * Known::kEntry + kDigest + 4, 4);
  }
  aoh::Json j{{"horizon", k.horizon()}, {"digests", hex(digests)}};
  return j.set_if(with_uids, "uids", hex(uids));
}

bool is_hex(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Known known_from(const aoh::Json& j) {
  const std::string& digests = j["digests"].str();
  const std::string& uids = j["uids"].str();  // absent in an older cursor
  if (digests.size() % 32 != 0 || digests.size() > Known::kMost * 2 * 32 || !is_hex(digests) ||
      !is_hex(uids) || (!uids.empty() && uids.size() * 4 != digests.size()))
    throw Failure(Errc::state, "the watcher's cursor is damaged", "digests");
  std::string packed;
  for (std::size_t at = 0; at < digests.size(); at += 32)
    packed +=
        unhex(digests.substr(at, 32)) + (uids.empty() ? std::string(4, '\0') : unhex(uids.substr(at / 4, 8)));
  return Known::from(std::move(packed), j["horizon"].integer());
}

}  // namespace

Known Known::from(std::string packed, std::int64_t horizon) {
  Known k;
  k.packed_ = std::move(packed);
  k.horizon_ = horizon;
  return k;
}

void Known::raise_horizon(std::int64_t date_s) { horizon_ = std::max(horizon_, date_s); }

void Known::add(Digest digest, std::int64_t date_s, std::uint32_t uid) {
  if (digest.size() < kDigest) return;
  if (packed_.size() >= kMost * kEntry) {
    // Whole seconds go together: what is as old as the horizon is then known to be gone entirely.
    const std::uint32_t oldest = date_of(packed_.data());
    std::size_t n = 0;
    while (n < packed_.size() && date_of(packed_.data() + n) == oldest) n += kEntry;
    packed_.erase(0, n);
    raise_horizon(oldest);
  }
  const auto date = static_cast<std::uint32_t>(std::clamp<std::int64_t>(date_s, 0, UINT32_MAX));
  packed_.append(digest.substr(0, kDigest));
  append(packed_, date);
  append(packed_, uid);
}

bool Known::take(Digest digest, std::uint32_t uid) {
  if (digest.size() < kDigest) return false;
  for (std::size_t i = 0; i < packed_.size(); i += kEntry)
    if (uid_of(packed_.data() + i) == uid &&
        std::string_view(packed_).substr(i, kDigest) == digest.substr(0, kDigest)) {
      packed_.erase(i, kEntry);
      return true;
    }
  return false;
}

std::vector<std::uint32_t> Known::uids_of(Digest digest) const {
  std::vector<std::uint32_t> out;
  if (digest.size() < kDigest) return out;
  for (std::size_t i = 0; i < packed_.size(); i += kEntry)
    if (std::string_view(packed_).substr(i, kDigest) == digest.substr(0, kDigest))
      if (const std::uint32_t uid = uid_of(packed_.data() + i)) out.push_back(uid);
  return out;
}

bool Known::take(Digest digest) {
  if (digest.size() < kDigest) return false;
  for (std::size_t i = 0; i < packed_.size(); i += kEntry)
    if (std::string_view(packed_).substr(i, kDigest) == digest.substr(0, kDigest)) {
      packed_.erase(i, kEntry);
      return true;
    }
  return false;
}

std::string Cursor::text() const {
  aoh::Json j{{"v", 1},
              {"uid_validity", uid_validity},
              {"last_uid", last_uid},
              {"start_uid", start_uid},
              {"start_s", start_s},
              {"filled", filled},
              {"known", known_json(known, true)}};
  j.set_if(modseq, "modseq", std::to_string(modseq));  // 63 bits: more than every JSON reader keeps
  if (before) j.set("before", known_json(*before, false));
  return j.dump();
}

std::optional<Cursor> Cursor::from(std::string_view text) {
  if (text.empty()) return std::nullopt;
  aoh::Json j;
  try {
    j = aoh::Json::parse(text);
  } catch (const aoh::JsonError& e) {
    throw Failure(Errc::state, std::string("the watcher's cursor cannot be read: ") + e.what());
  }
  if (j["v"].integer() != 1)
    throw Failure(Errc::state, "the watcher's cursor is of another version of the plugin", "cursor",
                  "Use the version that wrote it, or remove and add the blueprint to start afresh");
  Cursor c;
  c.uid_validity = static_cast<std::uint32_t>(j["uid_validity"].integer());
  c.last_uid = static_cast<std::uint32_t>(j["last_uid"].integer());
  c.start_uid = static_cast<std::uint32_t>(j["start_uid"].integer());
  c.start_s = j["start_s"].integer();
  const std::string& modseq = j["modseq"].str();
  std::from_chars(modseq.data(), modseq.data() + modseq.size(), c.modseq);
  c.filled = j["filled"].boolean();
  c.known = known_from(j["known"]);
  if (j.has("before")) c.before = known_from(j["before"]);
  return c;
}

Begin begin_with(const std::optional<Cursor>& cursor, std::uint32_t uid_validity) {
  if (!cursor) return Begin::first;
  return cursor->uid_validity == uid_validity ? Begin::go_on : Begin::resync;
}

Cursor renumbered(const Cursor& old, std::uint32_t uid_validity) {
  Cursor c;
  c.uid_validity = uid_validity;
  c.start_s = old.start_s;
  c.filled = true;  // every message is looked at now, so that its digest is taken
  c.before = old.known;
  // The start's mail was not looked at yet: its date is all there is to go by.
  if (!old.filled) c.before->raise_horizon(old.start_s);
  if (old.before) {  // changed again in the middle of it: what is unclaimed still counts
    Known merged = Known::from(old.before->packed() + old.known.packed(), 0);
    merged.raise_horizon(std::max(old.before->horizon(), c.before->horizon()));
    c.before = std::move(merged);
  }
  c.known.raise_horizon(c.before->horizon());
  return c;
}

bool dealt_with_before(Cursor& cursor, std::string_view digest, std::int64_t date_s) {
  if (!cursor.before) return false;
  return cursor.before->take(digest) || date_s <= cursor.before->horizon();
}

}  // namespace mailroom::watch
