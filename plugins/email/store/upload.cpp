#include "store/upload.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>

namespace mailroom::store {
namespace {

constexpr std::size_t kPiece = 256u << 10;

class Hash {
 public:
  explicit Hash(const EVP_MD* md) : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), md, nullptr) != 1)
      throw Failure(Errc::internal, "a hash could not be made");
  }
  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string hex() {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_DigestFinal_ex(context_.get(), out, &size) != 1)
      throw Failure(Errc::internal, "a hash could not be made");
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      text += kDigits[out[i] >> 4];
      text += kDigits[out[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

[[noreturn]] void changed() {
  throw Failure(Errc::state, "the file is no longer what it was when its link was made", "",
                "Make the message anew, so that size and SHA-256 in it are right");
}

/// Reads `n` bytes into `out`, in pieces, and lets others on the strand have their turn.
net::Task<void> fill(const Reader& read, std::uint64_t offset, std::size_t n, std::string& out, Hash& whole,
                     Hash& part) {
  out.clear();
  while (out.size() < n) {
    const std::string piece = read(offset + out.size(), std::min(kPiece, n - out.size()));
    if (piece.empty() || piece.size() > n - out.size()) changed();
    whole.add(piece);
    part.add(piece);
    out += piece;
    co_await boost::asio::post(boost::asio::use_awaitable);
  }
}

/// Not what time or a corrected credential mends.
bool for_good(Errc code) {
  return code == Errc::refused || code == Errc::limit || code == Errc::state || code == Errc::not_found ||
         code == Errc::invalid;
}

void report(const Upload& job, std::uint64_t done) {
  if (job.progress) job.progress(done);
}

net::Task<void> whole(Client& client, Upload& job) {
  std::string body;
  body.reserve(job.size);
  Hash hash(EVP_sha256()), unused(EVP_sha256());
  co_await fill(job.read, 0, job.size, body, hash, unused);
  if (hash.hex() != job.sha256) changed();
  co_await client.put(job.key, job.type, body);
  report(job, job.size);
}

using Parts = std::map<unsigned, Part>;  // by number

/// The parts that the store has from before; begins anew where there are none. nullopt: the earlier attempt
/// had come to its end, and only its last answer was lost.
net::Task<std::optional<Parts>> earlier(Client& client, Upload& job) {
  Parts have;
  if (!job.upload_id.empty()) {
    std::optional<std::vector<Part>> parts = co_await client.list_parts(job.key, job.upload_id);
    if (parts) {
      for (Part& p : *parts) have[p.number] = std::move(p);
      co_return have;
    }
    // Nobody else knows the object's name, so what lies there is what was sent.
    const std::optional<std::uint64_t> stored = co_await client.head(job.key);
    if (stored && *stored == job.size) co_return std::nullopt;
  }
  job.upload_id = co_await client.begin_upload(job.key, job.type);
  if (job.began) job.began(job.upload_id);
  co_return have;
}

bool same(const Part& p, std::size_t size, const std::string& md5) {
  return p.size == size && (p.etag == "\"" + md5 + "\"" || p.etag == md5);
}

net::Task<void> in_parts(Client& client, Upload& job) {
  const std::optional<Parts> earlier_parts = co_await earlier(client, job);
  if (!earlier_parts) co_return;
  const Parts& have = *earlier_parts;
  const std::uint64_t each = part_size(job.size);
  std::vector<Part> parts;
  std::string body;
  body.reserve(std::min(each, job.size));
  Hash hash(EVP_sha256());
  for (std::uint64_t at = 0; at < job.size; at += each) {
    const auto n = static_cast<std::size_t>(std::min(each, job.size - at));
    const auto number = static_cast<unsigned>(at / each + 1);
    Hash md5(EVP_md5());
    co_await fill(job.read, at, n, body, hash, md5);
    const auto it = have.find(number);
    if (it != have.end() && same(it->second, n, md5.hex())) {
      parts.push_back(it->second);
    } else {
      std::string etag =
          co_await client.put_part(job.key, job.upload_id, number, body, deliver::sha256_hex_of(body));
      parts.push_back({number, n, std::move(etag)});
    }
    report(job, at + n);
  }
  if (hash.hex() != job.sha256) changed();
  body = {};
  Error error;
  try {
    co_await client.complete(job.key, job.upload_id, std::move(parts));
  } catch (const Failure& f) {
    error = f.error;
  }
  // Gone may mean done: an earlier answer was lost.
  if (error && error.code != Errc::state) throw Failure(std::move(error));
}

}  // namespace

net::Task<void> upload(Client& client, Upload& job) {
  Error error;
  try {
    if (job.size <= kSinglePut)
      co_await whole(client, job);
    else
      co_await in_parts(client, job);
    const std::optional<std::uint64_t> stored = co_await client.head(job.key);
    if (!stored || *stored != job.size)
      throw Failure(Errc::temporary, "the object store does not have the file after the upload",
                    client.account().endpoint.where(), "Try again later");
    co_return;
  } catch (const Failure& f) {
    error = f.error;
  }
  if (for_good(error.code) && !job.upload_id.empty()) {
    try {
      co_await client.abort_upload(job.key, job.upload_id);
      job.upload_id.clear();
    } catch (const Failure&) {
      // the bucket's own rule for unfinished uploads takes it away; the first error tells more
    }
  }
  throw Failure(std::move(error));
}

std::string hash_of(const Reader& read, std::uint64_t size, const std::function<void()>& check) {
  Hash hash(EVP_sha256());
  std::uint64_t at = 0;
  while (at < size) {
    if (check) check();
    const std::string piece = read(at, static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, size - at)));
    if (piece.empty()) break;
    hash.add(piece);
    at += piece.size();
  }
  if (at != size) changed();
  return hash.hex();
}

}  // namespace mailroom::store
