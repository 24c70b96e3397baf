// Links in place of attachments that are too large for mail: which ones, what they are called in the object
// store, and how a message presents them. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::deliver {

/// Bytes that `n` bytes take as base64 in lines of 76 with CRLF (RFC 2045 §6.8).
std::uint64_t encoded_size(std::uint64_t n);

/// What an attachment adds beside its own bytes: boundary and header fields, generously.
inline constexpr std::uint64_t kPartOverhead = 1024;

/// The most bytes a message may have: the smaller of what is configured and what the server said as SIZE
/// (RFC 1870; 0: it said nothing).
std::uint64_t message_ceiling(std::uint64_t configured, std::uint64_t server_size);

/// Which attachments go as links so that the message fits below `ceiling`: the largest first, until the rest
/// fits after encoding; of two equal ones the later. `sizes`: of the files, before encoding; `rest`: bytes of
/// everything else, as it is sent. The indices, ascending; empty when all fits. When `rest` alone is too
/// large, all of them.
std::vector<std::size_t> choose_links(const std::vector<std::uint64_t>& sizes, std::uint64_t rest,
                                      std::uint64_t ceiling);

/// The object's name: prefix, token, file name. `token`: what makes it unguessable, at least 128 bits: 26 or
/// more of a-z 2-7, or 32 or more of 0-9 a-f; at most 64. `prefix`: at most 200 bytes of A-Z a-z 0-9 . _ -
/// and
/// '/', without "//", "." or ".." as a segment. The file name is cut down to A-Z a-z 0-9 . _ - and 80 bytes.
/// Throws Failure (invalid for a token, config for a prefix).
std::string object_key(std::string_view prefix, std::string_view token, std::string_view filename);

/// Content-Disposition of a download (RFC 6266): a name in ASCII for old clients, the real one in UTF-8.
std::string content_disposition(std::string_view filename);

/// What a message says about one link.
struct LinkText {
  std::string filename;
  std::uint64_t size = 0;
  std::string sha256;          ///< hex
  std::int64_t expires_s = 0;  ///< Unix time
  std::string url;
};

/// "1.5 MB": powers of 1000, as stores and mail programs count.
std::string human_size(std::uint64_t bytes);
/// "2026-11-30 08:15 UTC".
std::string utc_minute(std::int64_t unix_s);

/// The block for a text part: lines ended by '\n', no line within the URL. File names have neither controls
/// nor characters that turn the direction of what follows. Empty for no links.
std::string text_block(const std::vector<LinkText>& links);
/// The block for an HTML part: everything escaped, file names isolated by <bdi>, styles inline, no scripts,
/// no images. Throws Failure(invalid) for a URL that is neither http nor https.
std::string html_block(const std::vector<LinkText>& links);

}  // namespace mailroom::deliver
