// Between borrowed C strings, sinks and the C++ side of a module.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

#include "aoh/module.h"
#include "support/json.hpp"

namespace aoh {
// One inline namespace per SDK release: two modules in one process may carry two releases of it.
inline namespace sdk_0_1 {

inline std::string_view sv(aoh_str s) { return s.len ? std::string_view{s.ptr, s.len} : std::string_view{}; }
inline aoh_str st(std::string_view s) { return {s.data(), s.size()}; }

/// A status that came across the interface, thrown inside a module. Never leaves it: the thunks catch.
struct StatusError : std::runtime_error {
  StatusError(aoh_status s, const std::string& what) : std::runtime_error(what), status(s) {}
  aoh_status status;
};

/// A sink that collects into a string, at most `limit` bytes. Pass `.c()` to a service.
class StringSink {
 public:
  explicit StringSink(std::size_t limit = AOH_MAX_JSON) : limit_(limit) {
    head_.base = {sizeof(aoh_sink), 0, &StringSink::write};
    head_.self = this;
  }
  StringSink(const StringSink&) = delete;
  StringSink& operator=(const StringSink&) = delete;
  aoh_sink* c() { return &head_.base; }
  std::string text;

 private:
  struct Head {
    aoh_sink base;
    StringSink* self;
  };
  static aoh_status write(aoh_sink* s, const void* bytes, std::size_t n) noexcept try {
    StringSink* self = reinterpret_cast<Head*>(s)->self;
    if (n > self->limit_ - self->text.size()) return AOH_E_INVALID;
    self->text.append(static_cast<const char*>(bytes), n);
    return AOH_OK;
  } catch (...) {
    return AOH_E_INTERNAL;
  }
  Head head_{};
  std::size_t limit_;
};

/// Receives an error's words. Pass `.c()` to a service.
class ErrorWords {
 public:
  ErrorWords() {
    head_.base = {sizeof(aoh_error), 0, &ErrorWords::set};
    head_.self = this;
  }
  ErrorWords(const ErrorWords&) = delete;
  ErrorWords& operator=(const ErrorWords&) = delete;
  aoh_error* c() { return &head_.base; }
  std::string message;

 private:
  struct Head {
    aoh_error base;
    ErrorWords* self;
  };
  static void set(aoh_error* e, aoh_status, aoh_str message, aoh_str) noexcept {
    try {
      reinterpret_cast<Head*>(e)->self->message = sv(message);
    } catch (...) {  // out of memory: the status has to do
    }
  }
  Head head_{};
};

inline void set_error(aoh_error* e, aoh_status status, std::string_view message) {
  if (e && AOH_HAS(aoh_error, e, set)) e->set(e, status, st(message), aoh_str{nullptr, 0});
}

}  // namespace sdk_0_1
}  // namespace aoh
