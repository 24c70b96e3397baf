// The redacted wire trace (`--trace`).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mailroom::net {

/// Takes finished lines: "C: a1 NOOP", "S: * OK", without line end, printable, at most 512 bytes. Called on
/// the connection's strand; short, must not throw.
using TraceSink = std::function<void(std::string_view line)>;

/// Turns the bytes of both directions into lines. Credentials never reach it: the driver hands over bytes
/// that a machine marked as secret only as withheld(). What the server says from there to our next open line
/// is shown by its verdict alone ("a3 NO [withheld]"), for servers quote what they do not understand. IMAP
/// literals and everything else that was withheld appear as sizes.
class Transcript {
 public:
  explicit Transcript(TraceSink sink) : sink_(std::move(sink)) {}

  void client(std::string_view bytes);
  void client_withheld(
      std::size_t bytes);  ///< sizes below 4 KB are not told: they would tell a password's length
  void server(std::string_view bytes);
  void note(std::string_view text);  ///< "-- TLS 1.3 with imap.example.org"

 private:
  struct Side {
    std::string line;           // the unfinished line, capped
    bool cut = false;           // did the line pass the cap?
    bool quotes = false;        // may it hold credentials of ours?
    std::uint64_t literal = 0;  // bytes of an announced literal still to come
    char tail[24] = {};  // the line's last bytes, so that a literal's announcement is seen behind the cap
    std::size_t tail_len = 0;
  };
  void take(Side& side, const char* prefix, std::string_view bytes);
  void finish(Side& side, const char* prefix);
  void emit(const char* prefix, std::string_view text);

  TraceSink sink_;
  Side client_;
  Side server_;
  bool hushed_ = false;  // were credentials the last that we wrote?
};

}  // namespace mailroom::net
