// libFuzzer's own mutations and one of ours: a slice of the input many times over, which is what finds work
// that grows with the square of the input.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (seed % 16 != 0 || size == 0 || size >= max_size) return LLVMFuzzerMutate(data, size, max_size);
  seed /= 16;
  const std::size_t at = seed % size;
  const std::size_t length = std::min<std::size_t>(1 + (seed >> 8) % 32, size - at);
  const std::size_t room = max_size - size;
  // Half of the time as often as there is room, else a few times.
  const std::size_t most = room / length;
  const std::size_t times = seed % 2 == 0 ? most : std::min<std::size_t>(most, 1 + (seed >> 4) % 64);
  const std::size_t added = times * length;
  std::memmove(data + at + added, data + at, size - at);
  for (std::size_t i = 0; i < added; i += length) std::memmove(data + at + i, data + at + added, length);
  return size + added;
}
