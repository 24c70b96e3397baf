#include "imap/proto/uid_set.hpp"

#include <algorithm>

namespace mailroom::imap {

UidSet UidSet::range(Uid first, Uid last) {
  UidSet set;
  set.add(first, last);
  return set;
}

UidSet UidSet::from(Uid first) { return range(first, UINT32_MAX); }

UidSet UidSet::of(std::span<const Uid> uids) {
  std::vector<Uid> sorted(uids.begin(), uids.end());
  std::sort(sorted.begin(), sorted.end());
  UidSet set;
  for (const Uid uid : sorted) {
    if (uid == 0) continue;
    if (!set.ranges_.empty() && uid <= set.ranges_.back().last + std::uint64_t{1})
      set.ranges_.back().last = uid;
    else
      set.ranges_.push_back({uid, uid});
  }
  return set;
}

void UidSet::add(Uid first, Uid last) {
  if (first > last) std::swap(first, last);
  if (last == 0) return;
  first = std::max<Uid>(first, 1);
  std::vector<Range> merged;
  for (const Range& r : ranges_) {
    if (r.last + std::uint64_t{1} < first || last + std::uint64_t{1} < r.first) {
      merged.push_back(r);
    } else {
      first = std::min(first, r.first);
      last = std::max(last, r.last);
    }
  }
  merged.push_back({first, last});
  std::sort(merged.begin(), merged.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  ranges_ = std::move(merged);
}

bool UidSet::contains(Uid uid) const {
  const auto it = std::upper_bound(ranges_.begin(), ranges_.end(), uid,
                                   [](Uid u, const Range& r) { return u < r.first; });
  return it != ranges_.begin() && uid <= std::prev(it)->last && uid != 0;
}

std::string UidSet::text() const {
  std::string out;
  for (const Range& r : ranges_) {
    if (!out.empty()) out += ',';
    out += std::to_string(r.first);
    if (r.last == UINT32_MAX)
      out += ":*";
    else if (r.last != r.first)
      out += ":" + std::to_string(r.last);
  }
  return out;
}

}  // namespace mailroom::imap
