#include "oauth/lease.hpp"

#include "host/random.hpp"

namespace mailroom::oauth {

bool Lease::take() {
  const std::int64_t now = services_.clock.wall_ns();
  const auto value = services_.state.get(key_);
  if (value) {
    aoh::Json held;
    try {
      held = aoh::Json::parse(value->text);
    } catch (const aoh::JsonError&) {  // nobody's
    }
    const std::int64_t until = held["until_unix_ns"].integer();
    // One that ends too far ahead was taken before the clock was set back.
    const bool stands = until > now && until <= now + kLeaseNs;
    if (stands && (holder_.empty() || held["holder"].str() != holder_)) return false;
  }
  const std::string holder = holder_.empty() ? host::random_token() : holder_;
  aoh::Json mine{{"holder", holder}, {"until_unix_ns", now + kLeaseNs}};
  if (!services_.state.apply({{key_, mine.dump(), value ? value->version : 0}})) return false;
  holder_ = holder;
  return true;
}

void Lease::release() noexcept {
  if (holder_.empty()) return;
  try {
    const auto value = services_.state.get(key_);
    if (value && aoh::Json::parse(value->text)["holder"].str() == holder_)
      (void)services_.state.apply({{key_, {}, value->version, true}});
  } catch (const std::exception&) {  // it ends by itself
  }
  holder_.clear();
}

}  // namespace mailroom::oauth
