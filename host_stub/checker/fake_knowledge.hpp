// The fake host's knowledge base and extraction.
#pragma once
#include "checker/fake_host.hpp"

namespace aoh::host::checker {

struct KnowledgeTables {
  static void fill(FakeHost& host);

 private:
  static FakeHost& of(const aoh_host* host) { return *static_cast<FakeHost*>(owner_of(host)); }
  static aoh_status begin(const aoh_host* c, aoh_str id, aoh_str info, std::uint64_t* document, aoh_error*);
  static aoh_status append(const aoh_host* c, std::uint64_t document, const void* text, std::size_t n,
                           aoh_error* error);
  static aoh_status commit(const aoh_host* c, std::uint64_t document, aoh_sink* result, aoh_error*);
  static aoh_status abandon(const aoh_host* c, std::uint64_t document);
  static aoh_status put_blob(const aoh_host* c, aoh_str id, aoh_str info, aoh_str blob, aoh_str bearer,
                             aoh_sink* result, aoh_error* error);
  static aoh_status stat(const aoh_host* c, aoh_str id, aoh_sink* info);
  static aoh_status remove(const aoh_host* c, aoh_str id);
  static aoh_status remove_by(const aoh_host* c, aoh_str key, aoh_str value, std::uint64_t* removed);
  static aoh_status types(const aoh_host* c, aoh_sink* types);
  static aoh_status extract(const aoh_host* c, aoh_str blob, aoh_str bearer, aoh_str request,
                            aoh_sink* result, aoh_error* error);
};

}  // namespace aoh::host::checker
