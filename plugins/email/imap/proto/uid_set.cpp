#include "imap/proto/uid_set.hpp"

#include <algorithm>
#include <charconv>

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

void UidSet::merge() {
  std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  std::vector<Range> merged;
  for (const Range& r : ranges_)
    if (!merged.empty() && r.first <= merged.back().last + std::uint64_t{1})
      merged.back().last = std::max(merged.back().last, r.last);
    else
      merged.push_back(r);
  ranges_ = std::move(merged);
}

void UidSet::add(Uid first, Uid last) {
  if (first > last) std::swap(first, last);
  if (last == 0) return;
  ranges_.push_back({std::max<Uid>(first, 1), last});
  merge();
}

void UidSet::add(const UidSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  merge();
}

UidSet UidSet::without(const UidSet& other) const {
  UidSet out;
  auto hole = other.ranges_.begin();
  for (const Range& r : ranges_) {
    std::uint64_t from = r.first;
    while (hole != other.ranges_.end() && hole->last < from) ++hole;
    for (auto h = hole; h != other.ranges_.end() && h->first <= r.last && from <= r.last; ++h) {
      if (h->first > from) out.ranges_.push_back({static_cast<Uid>(from), h->first - 1});
      from = std::uint64_t{h->last} + 1;
    }
    if (from <= r.last) out.ranges_.push_back({static_cast<Uid>(from), r.last});
  }
  return out;
}

UidSet UidSet::parse(std::string_view text) {
  UidSet set;
  const auto number = [&](std::string_view digits) {
    Uid uid = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), uid);
    if (ec != std::errc() || end != digits.data() + digits.size() || uid == 0)
      throw Failure(Error{
          Errc::protocol, "the server sent a set of messages that is none", {}, printable(text, 60), {}});
    return uid;
  };
  for (std::string_view left = text;;) {
    const std::string_view part = left.substr(0, left.find(','));
    const std::size_t colon = part.find(':');
    const Uid first = number(part.substr(0, colon));
    const Uid last = colon == std::string_view::npos ? first : number(part.substr(colon + 1));
    set.ranges_.push_back({std::min(first, last), std::max(first, last)});
    if (part.size() == left.size()) break;
    left.remove_prefix(part.size() + 1);
  }
  set.merge();
  return set;
}

std::uint64_t UidSet::size() const {
  std::uint64_t n = 0;
  for (const Range& r : ranges_) n += std::uint64_t{r.last} - r.first + 1;
  return n;
}

bool UidSet::open_ended() const { return !ranges_.empty() && ranges_.back().last == UINT32_MAX; }

UidSet UidSet::range_at(std::size_t n) const {
  UidSet one;
  one.ranges_.push_back(ranges_.at(n));
  return one;
}

std::vector<Uid> UidSet::uids(std::size_t most) const {
  std::vector<Uid> out;
  for (const Range& r : ranges_)
    for (std::uint64_t uid = r.first; uid <= r.last && out.size() < most; ++uid)
      out.push_back(static_cast<Uid>(uid));
  return out;
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
