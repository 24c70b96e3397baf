// What the C functions of all services have in common.
#pragma once
#include <string>
#include <string_view>

#include "aoh/sdk/text.hpp"
#include "services/host_services.hpp"

namespace aoh::host {

struct InstanceAccess {
  static InstanceHost& self(const aoh_host* h) {
    return *reinterpret_cast<const InstanceHost::View*>(h)->self;
  }
  static const Services& services(const InstanceHost& i) { return i.services_; }
  static const std::string& module(const InstanceHost& i) { return i.module_; }
  static Knowledge& knowledge(InstanceHost& i) {
    Knowledge& k = i.services_.knowledge();
    i.knowledge_ = &k;
    return k;
  }

  /// Runs fn(instance) unless the services are revoked, and turns what it throws into a status and a line in
  /// the log.
  template <class Fn>
  static aoh_status run(const aoh_host* h, const char* what, Fn&& fn) noexcept {
    InstanceHost& i = self(h);
    if (i.revoked_) return AOH_E_STATE;
    try {
      return fn(i);
    } catch (const std::exception& e) {
      try {
        if (i.services_.log)
          i.services_.log->error(std::string(what) + " failed: " + e.what(), Json{{"module", i.module_}});
      } catch (...) {  // out of memory while complaining
      }
      return AOH_E_INTERNAL;
    } catch (...) {
      return AOH_E_INTERNAL;
    }
  }
  static aoh_status put(aoh_sink* sink, std::string_view text) {
    if (!sink || !AOH_HAS(aoh_sink, sink, write)) return AOH_E_INVALID;
    return sink->write(sink, text.data(), text.size());
  }
  static Json parsed(aoh_str text) { return text.len ? Json::parse(sv(text)) : Json(); }

  static aoh_status status(Blobs::Fault f) {
    switch (f) {
      case Blobs::Fault::none:
        return AOH_OK;
      case Blobs::Fault::not_found:
        return AOH_E_NOT_FOUND;
      case Blobs::Fault::state:
        return AOH_E_STATE;
      case Blobs::Fault::quota:
        return AOH_E_BUSY;
      case Blobs::Fault::io:
        return AOH_E_INTERNAL;
    }
    return AOH_E_INTERNAL;
  }
  /// May the instance read that blob for that bearer?
  static aoh_status readable(InstanceHost& i, std::string_view id, std::string_view bearer) {
    const auto info = i.services_.blobs->find(id);
    if (!info) return AOH_E_NOT_FOUND;
    if (bearer.empty()) return info->module == i.module_ && info->session.empty() ? AOH_OK : AOH_E_DENIED;
    const auto b = i.services_.bearers->find(bearer);
    if (!b || b->module != i.module_) return AOH_E_DENIED;
    if (!b->only_blob.empty()) return b->only_blob == id ? AOH_OK : AOH_E_DENIED;
    if (b->any_blob) return AOH_OK;
    if (info->session.empty()) return info->module == i.module_ ? AOH_OK : AOH_E_DENIED;
    return info->session == b->session_id ? AOH_OK : AOH_E_DENIED;
  }
};

}  // namespace aoh::host
