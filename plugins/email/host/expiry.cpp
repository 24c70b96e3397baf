#include "host/expiry.hpp"

namespace mailroom::host {
namespace {

constexpr std::size_t kServers = 10'000;
constexpr std::int64_t kDay = 86'400;

}  // namespace

std::optional<std::string> Expiry::seen(const std::string& server, const net::TlsDetails& details,
                                        std::int64_t now_s) {
  const std::int64_t left = details.days_left(now_s);
  const std::lock_guard lock(mutex_);
  if (left >= kDays) {
    told_s_.erase(server);  // renewed
    return std::nullopt;
  }
  const auto told = told_s_.find(server);
  if (told != told_s_.end() && now_s >= told->second && now_s - told->second < kDay) return std::nullopt;
  if (told == told_s_.end() && told_s_.size() >= kServers) told_s_.clear();
  told_s_[server] = now_s;
  return "the certificate of " + server + " expires in " + std::to_string(left) +
         (left == 1 ? " day" : " days") + ": its operator must renew it";
}

}  // namespace mailroom::host
