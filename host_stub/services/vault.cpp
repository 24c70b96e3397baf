#include "services/vault.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "services/faults.hpp"

namespace aoh::host {
namespace {

constexpr std::size_t kKey = 32, kNonce = 12, kTag = 16;
constexpr std::int64_t kAuditRows = 10'000;  // the oldest go

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* bytes(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }
const unsigned char* bytes(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

// What a sealed value belongs to: moved to another row or version it does not open.
std::string bound_to(std::string_view credential, std::string_view field, std::uint64_t version) {
  return "v1\n" + std::to_string(credential.size()) + ":" + std::string(credential) + "\n" +
         std::string(field) + "\n" + std::to_string(version);
}

Secret from_environment(const char* text) {
  std::string raw(64, '\0');
  const std::string_view in(text);
  int n = -1;
  if (in.size() == 44) n = EVP_DecodeBlock(bytes(raw), bytes(in), 44);
  if (n != 33 || in.back() != '=')
    throw VaultError(
        "AOH_VAULT_KEY must be 32 bytes in base64 (44 characters), for example from: openssl rand -base64 "
        "32");
  raw.resize(kKey);
  return Secret(std::move(raw));
}

}  // namespace

Vault::Vault(Db& db, std::filesystem::path key_file, const Clock& clock, Redactor& redactor)
    : db_(db), key_file_(std::move(key_file)), clock_(clock), redactor_(redactor) {
  db_.exec(
      "CREATE TABLE IF NOT EXISTS secrets(credential TEXT, field TEXT, version INTEGER NOT NULL, sealed BLOB "
      "NOT NULL,"
      " PRIMARY KEY(credential, field)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS vault_version(one INTEGER PRIMARY KEY CHECK(one=1), last INTEGER NOT NULL);"
      "INSERT OR IGNORE INTO vault_version SELECT 1, coalesce(max(version),0) FROM secrets;"
      "CREATE TABLE IF NOT EXISTS vault_audit(id INTEGER PRIMARY KEY, at INTEGER, module TEXT, credential "
      "TEXT, field TEXT, bearer TEXT,"
      " outcome TEXT);");
}

const Secret& Vault::key() {
  const std::lock_guard lock(key_mutex_);
  if (!key_.empty()) return key_;
  if (const char* text =
          std::getenv("AOH_VAULT_KEY")) {  // NOLINT(concurrency-mt-unsafe): nobody sets variables here
    key_ = from_environment(text);
    return key_;
  }
  int fd = ::open(key_file_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) {
    bool sealed_before = false;
    {
      Statement s(db_, "SELECT 1 FROM secrets LIMIT 1");
      sealed_before = s.step();
    }
    if (sealed_before)
      throw VaultError("the vault's key " + key_file_.string() +
                       " is gone: restore it, or set AOH_VAULT_KEY; without it the secrets are lost");
    std::string fresh(kKey, '\0');
    if (RAND_bytes(bytes(fresh), static_cast<int>(kKey)) != 1)
      throw VaultError("no random bytes for the vault's key");
    // Written aside and renamed, so that a crash leaves no half key behind.
    const std::string aside = key_file_.string() + ".new";
    ::unlink(aside.c_str());
    const int out = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool ok =
        out >= 0 && ::write(out, fresh.data(), kKey) == static_cast<ssize_t>(kKey) && ::fsync(out) == 0;
    if (out >= 0) ::close(out);
    if (!ok || ::rename(aside.c_str(), key_file_.c_str()) != 0)
      throw VaultError("the vault's key cannot be written to " + key_file_.string() +
                       ": is the disk full, or the home read-only?");
    // The name must be on the disk before anything is sealed with the key.
    const int folder = ::open(key_file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool kept = folder >= 0 && ::fsync(folder) == 0;
    if (folder >= 0) ::close(folder);
    if (!kept) throw VaultError("the vault's key cannot be kept in " + key_file_.parent_path().string());
    key_ = Secret(std::move(fresh));
    return key_;
  }
  if (fd < 0) throw VaultError("the vault's key " + key_file_.string() + " cannot be read: check its owner");
  struct stat st {};
  std::string raw(kKey + 1, '\0');
  const bool private_file = ::fstat(fd, &st) == 0 && (st.st_mode & 077) == 0;
  const ssize_t n = ::read(fd, raw.data(), raw.size());
  ::close(fd);
  if (!private_file)
    throw VaultError("the vault's key " + key_file_.string() + " may be read by others: chmod 600 it");
  if (n != static_cast<ssize_t>(kKey))
    throw VaultError("the vault's key " + key_file_.string() + " is not 32 bytes long: restore it");
  raw.resize(kKey);
  key_ = Secret(std::move(raw));
  return key_;
}

std::string Vault::seal(std::string_view credential, std::string_view field, std::uint64_t version,
                        std::string_view plain) {
  const std::string aad = bound_to(credential, field, version);
  std::string out(kNonce + plain.size() + kTag, '\0');
  const Cipher c(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int n = 0;
  const bool ok =
      RAND_bytes(bytes(out), kNonce) == 1 &&
      EVP_EncryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, bytes(key().reveal()), bytes(out)) == 1 &&
      EVP_EncryptUpdate(c.get(), nullptr, &n, bytes(aad), static_cast<int>(aad.size())) == 1 &&
      EVP_EncryptUpdate(c.get(), bytes(out) + kNonce, &n, bytes(plain), static_cast<int>(plain.size())) ==
          1 &&
      EVP_EncryptFinal_ex(c.get(), bytes(out) + kNonce + plain.size(), &n) == 1 &&
      EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, kTag, bytes(out) + kNonce + plain.size()) == 1;
  if (!ok) throw VaultError("sealing a secret failed");
  return out;
}

Secret Vault::open(std::string_view credential, std::string_view field, std::uint64_t version,
                   std::string_view sealed) {
  const auto refuse = [&]() -> VaultError {
    return VaultError("the secret '" + std::string(field) + "' of credential '" + std::string(credential) +
                      "' does not open: wrong vault key, or the store was tampered with. Restore the key, or "
                      "enter the secret again");
  };
  if (sealed.size() < kNonce + kTag) throw refuse();
  const std::string aad = bound_to(credential, field, version);
  const std::size_t size = sealed.size() - kNonce - kTag;
  std::string plain(size, '\0');
  std::string tag(sealed.substr(kNonce + size));
  const Cipher c(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int n = 0;
  const bool ok =
      EVP_DecryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, bytes(key().reveal()), bytes(sealed)) == 1 &&
      EVP_DecryptUpdate(c.get(), nullptr, &n, bytes(aad), static_cast<int>(aad.size())) == 1 &&
      EVP_DecryptUpdate(c.get(), bytes(plain), &n, bytes(sealed) + kNonce, static_cast<int>(size)) == 1 &&
      EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(c.get(), bytes(plain) + size, &n) == 1;
  if (!ok) {
    wipe(plain);
    throw refuse();
  }
  redactor_.add(plain);
  return Secret(std::move(plain));
}

std::optional<Vault::Entry> Vault::read(std::string_view credential, std::string_view field) {
  faults::point("vault.read", credential);
  std::string sealed;
  std::uint64_t version = 0;
  {
    Statement s(db_, "SELECT sealed, version FROM secrets WHERE credential=? AND field=?");
    if (!s.with(credential, field).step()) return std::nullopt;
    sealed = s.text(0);
    version = static_cast<std::uint64_t>(s.integer(1));
  }
  return Entry{open(credential, field, version, sealed), version};
}

std::optional<std::uint64_t> Vault::compare_and_set(std::string_view credential, std::string_view field,
                                                    std::uint64_t expected, const Secret& value) {
  redactor_.add(value.reveal());
  const std::string point = "vault." + std::string(field);
  Transaction t(db_, point);
  std::uint64_t current = 0;
  {
    Statement s(db_, "SELECT version FROM secrets WHERE credential=? AND field=?");
    if (s.with(credential, field).step()) current = static_cast<std::uint64_t>(s.integer(0));
  }
  if (current != expected) return std::nullopt;
  Statement(db_, "UPDATE vault_version SET last=last+1").run();
  std::uint64_t fresh = 0;
  {
    Statement s(db_, "SELECT last FROM vault_version");
    if (s.step()) fresh = static_cast<std::uint64_t>(s.integer(0));
  }
  if (fresh <= current)
    throw VaultError(
        "the vault's counter of versions was set back: the store was tampered with, or mixed from "
        "two backups. Restore the home from one");
  const std::string sealed = seal(credential, field, fresh, value.reveal());
  {
    Statement s(db_, "INSERT OR REPLACE INTO secrets(credential, field, version, sealed) VALUES(?,?,?,?)");
    s.with(credential, field, static_cast<std::int64_t>(fresh)).bind_blob(4, sealed).run();
  }
  t.commit();
  return fresh;
}

std::uint64_t Vault::put(std::string_view credential, std::string_view field, const Secret& value) {
  const std::string point = "vault." + std::string(field);
  Transaction t(db_, point);
  std::uint64_t current = 0;
  {
    Statement s(db_, "SELECT version FROM secrets WHERE credential=? AND field=?");
    if (s.with(credential, field).step()) current = static_cast<std::uint64_t>(s.integer(0));
  }
  const auto version = compare_and_set(credential, field, current, value);
  t.commit();
  return version.value();
}

void Vault::remove_all(std::string_view credential) {
  Statement s(db_, "DELETE FROM secrets WHERE credential=?");
  s.with(credential).run();
}

std::vector<std::string> Vault::fields(std::string_view credential) {
  std::vector<std::string> out;
  Statement s(db_, "SELECT field FROM secrets WHERE credential=? ORDER BY field");
  s.with(credential);
  while (s.step()) out.push_back(s.text(0));
  return out;
}

void Vault::audit(std::string_view module, std::string_view credential, std::string_view field,
                  std::string_view bearer, std::string_view outcome) {
  {
    Statement s(
        db_, "INSERT INTO vault_audit(at, module, credential, field, bearer, outcome) VALUES(?,?,?,?,?,?)");
    s.with(clock_.wall_ns(), module, credential, field, bearer, outcome).run();
  }
  Statement trim(db_, "DELETE FROM vault_audit WHERE id <= (SELECT max(id) FROM vault_audit) - ?");
  trim.with(kAuditRows).run();
}

Json Vault::audit_entries(int limit, std::string_view credential) {
  Json out = Json::array();
  Statement s(db_,
              "SELECT at, module, credential, field, bearer, outcome FROM vault_audit"
              " WHERE ?='' OR credential=? ORDER BY id DESC LIMIT ?");
  s.with(credential, credential, limit);
  while (s.step())
    out.push(Json{{"when_unix_ns", s.integer(0)},
                  {"module", s.text(1)},
                  {"credential_id", s.text(2)},
                  {"field", s.text(3)},
                  {"bearer", s.text(4)},
                  {"outcome", s.text(5)}});
  return out;
}

}  // namespace aoh::host
