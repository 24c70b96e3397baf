#include "services/bearers.hpp"

#include <algorithm>

namespace aoh::host {

bool Bearer::may_use(std::string_view credential) const {
  return std::find(credentials.begin(), credentials.end(), credential) != credentials.end();
}

Bearers::Lease& Bearers::Lease::operator=(Lease&& o) noexcept {
  if (this != &o) {
    end();
    bearers_ = std::exchange(o.bearers_, nullptr);
    id_ = std::move(o.id_);
  }
  return *this;
}

void Bearers::Lease::end() {
  if (bearers_) std::exchange(bearers_, nullptr)->drop(id_);
}

Bearers::Lease Bearers::admit(std::string id, Bearer bearer) {
  const std::lock_guard lock(mutex_);
  live_.insert_or_assign(id, std::move(bearer));
  return {*this, std::move(id)};
}

std::optional<Bearer> Bearers::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto it = live_.find(id);
  return it == live_.end() ? std::nullopt : std::optional(it->second);
}

void Bearers::drop(const std::string& id) {
  const std::lock_guard lock(mutex_);
  live_.erase(id);
}

}  // namespace aoh::host
