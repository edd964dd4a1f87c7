#include "core/printable.hpp"

#include <gtest/gtest.h>

namespace pathline {
namespace {

TEST(Printable, PlainTextStaysAsItIs) {
  for (const char* text : {"", "x y", "größe, µ², 日本", "a\\b"}) EXPECT_EQ(printable(text), text);
}

TEST(Printable, WhatATerminalObeysIsShown) {
  EXPECT_EQ(printable("\x1b]0;title\x07\x1b[31mred"), "\\x1b]0;title\\x07\\x1b[31mred");
  EXPECT_EQ(printable("a\nb\tc\rd\x7f"), "a\\nb\\tc\\x0dd\\x7f");
  EXPECT_EQ(printable("\xc2\x9b" "31m"), "\\x9b31m");  // C1's CSI in UTF-8
  EXPECT_EQ(printable("abc\xe2\x80\xae" "cba"), "abc\\u202ecba");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Printable, BytesThatAreNotUtf8AreShown) {
  EXPECT_EQ(printable("a\x9b\xff"), "a\\x9b\\xff");
  EXPECT_EQ(printable("\xe2\x80"), "\\xe2\\x80");
}

TEST(Printable, SeveralLinesKeepTheirEnds) {
  EXPECT_EQ(printable("a\n\tb\r\n", Lines::several), "a\n\tb\\x0d\n");
}

}  // namespace
}  // namespace pathline
