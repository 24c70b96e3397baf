// Who may ask for what right now: the calls and triggers that are alive, and what each was granted.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aoh::host {

/// What a live call or trigger may touch.
struct Bearer {
  std::string module;                    ///< the module that runs it
  std::string session_id;                ///< empty: none
  std::vector<std::string> credentials;  ///< that it may use
  bool any_blob = false;                 ///< a person's call: what an earlier one made, whichever module did
  std::string only_blob;  ///< an extraction: it may read this blob, whoever owns it, and no other
  bool may_use(std::string_view credential) const;
};

/// Thread-safe.
class Bearers {
 public:
  /// Keeps an id alive; gone with it.
  class Lease {
   public:
    Lease() = default;
    Lease(Bearers& b, std::string id) : bearers_(&b), id_(std::move(id)) {}
    Lease(Lease&& o) noexcept : bearers_(std::exchange(o.bearers_, nullptr)), id_(std::move(o.id_)) {}
    Lease& operator=(Lease&& o) noexcept;
    ~Lease() { end(); }
    void end();

   private:
    Bearers* bearers_ = nullptr;
    std::string id_;
  };
  [[nodiscard]] Lease admit(std::string id, Bearer bearer);
  std::optional<Bearer> find(std::string_view id) const;

 private:
  void drop(const std::string& id);
  mutable std::mutex mutex_;
  std::map<std::string, Bearer, std::less<>> live_;
};

}  // namespace aoh::host
