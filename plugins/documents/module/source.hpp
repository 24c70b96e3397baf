// The document that a tool's arguments name, as an open file.
#pragma once
#include <cstdint>
#include <string>

#include "aoh/sdk.hpp"
#include "module/extract.hpp"

namespace mailroom::documents {

/// Owns the descriptor.
class Source {
 public:
  /// `blob`, as `bearer` may read it, with its own name and media type. Throws Failure, aoh::StatusError.
  static Source blob(const aoh_host* host, const std::string& blob, std::string_view bearer,
                     const std::string& work_folder);
  /// A file, for the person at the command line. Throws Failure.
  static Source path(const std::string& path);
  Source(Source&& o) noexcept;
  Source& operator=(Source&&) = delete;
  ~Source();

  Document document;   ///< its fd is this object's
  std::string sha256;  ///< lower-case hex

 private:
  Source() = default;
};

}  // namespace mailroom::documents
