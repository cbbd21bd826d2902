#pragma once
/// A vector with room for at most N elements inside the object: the controller's hot path allocates nothing.

#include <array>
#include <cassert>
#include <cstddef>

namespace sluice {

template <class T, std::size_t N>
class StaticVector {
 public:
  static constexpr std::size_t capacity() { return N; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr bool full() const { return size_ == N; }
  constexpr void clear() { size_ = 0; }
  /// False, and nothing added, when full.
  constexpr bool push_back(const T& value) {
    if (full()) return false;
    items_[size_++] = value;
    return true;
  }
  /// Grows with default elements or shrinks; `size` ≤ N.
  constexpr void resize(std::size_t size) {
    assert(size <= N);
    while (size_ < size) items_[size_++] = T{};
    size_ = size;
  }
  constexpr T& operator[](std::size_t index) { return assert(index < size_), items_[index]; }
  constexpr const T& operator[](std::size_t index) const { return assert(index < size_), items_[index]; }
  constexpr T& back() { return (*this)[size_ - 1]; }
  constexpr const T& back() const { return (*this)[size_ - 1]; }
  constexpr T* begin() { return items_.data(); }
  constexpr T* end() { return items_.data() + size_; }
  constexpr const T* begin() const { return items_.data(); }
  constexpr const T* end() const { return items_.data() + size_; }

 private:
  std::array<T, N> items_{};
  std::size_t size_ = 0;
};

}  // namespace sluice
