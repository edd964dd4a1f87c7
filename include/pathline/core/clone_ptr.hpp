/// A pointer to a polymorphic value: copying it copies what it points to.
#pragma once

#include <memory>
#include <utility>

namespace pathline {

/// Owns a T and copies it by T::clone(), so that a class with such a member is a value without a copy constructor of
/// its own. Never null except when default-constructed or moved from.
template <class T> class ClonePtr {
 public:
  ClonePtr() = default;
  ClonePtr(std::unique_ptr<T> value) : value_(std::move(value)) {}
  ClonePtr(const ClonePtr& other) : value_(other.value_ ? other.value_->clone() : nullptr) {}
  ClonePtr(ClonePtr&&) noexcept = default;
  ClonePtr& operator=(ClonePtr other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }

  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  T* get() { return value_.get(); }
  const T* get() const { return value_.get(); }
  explicit operator bool() const { return static_cast<bool>(value_); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace pathline
