#pragma once
/// A vector with room for at most N elements inside the object: the controller's hot path allocates nothing. Only the
/// elements that are there are ever made or copied, so that room for many costs nothing while there are few.

#include <cassert>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace sluice {

template <class T, std::size_t N>
class StaticVector {
  static_assert(std::is_trivially_destructible_v<T>, "elements are given up by forgetting them");

 public:
  constexpr StaticVector() {}  // NOLINT(modernize-use-equals-default): a union with members has no default one
  constexpr StaticVector(const StaticVector& other) { take(other); }
  constexpr StaticVector& operator=(const StaticVector& other) {
    if (this != &other) take(other);
    return *this;
  }

  static constexpr std::size_t capacity() { return N; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr bool full() const { return size_ == N; }
  constexpr void clear() { size_ = 0; }
  /// False, and nothing added, when full.
  constexpr bool push_back(const T& value) {
    if (full()) return false;
    std::construct_at(items_ + size_, value);
    ++size_;
    return true;
  }
  /// Grows with default elements or shrinks; `size` ≤ N.
  constexpr void resize(std::size_t size) {
    assert(size <= N);
    for (; size_ < size; ++size_) std::construct_at(items_ + size_);
    size_ = size;
  }
  constexpr T& operator[](std::size_t index) { return assert(index < size_), items_[index]; }
  constexpr const T& operator[](std::size_t index) const { return assert(index < size_), items_[index]; }
  constexpr T& back() { return (*this)[size_ - 1]; }
  constexpr const T& back() const { return (*this)[size_ - 1]; }
  constexpr T* begin() { return items_; }
  constexpr T* end() { return items_ + size_; }
  constexpr const T* begin() const { return items_; }
  constexpr const T* end() const { return items_ + size_; }

 private:
  constexpr void take(const StaticVector& other) {
    for (std::size_t i = 0; i < other.size_; ++i) std::construct_at(items_ + i, other.items_[i]);
    size_ = other.size_;
  }

  union {
    T items_[N];
  };
  std::size_t size_ = 0;
};

}  // namespace sluice
