// `pathline animate`: a film of a flow.
#include <string>

#include <gmock/gmock.h>

#include "paths.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kAnimated = source_dir() + "/models/";

class Animate : public ScriptedProgram {};

TEST_F(Animate, AGifOfAToyIsSmallAndMovesSlow) {
  const auto got =
      run({"animate", kAnimated + "moons.h5", "-o", file("a.gif"), "--seconds", "0.3", "--size", "200", "--quiet"});
  ASSERT_EQ(got.code, 0) << got.err;
  const std::string bytes = get("a.gif");
  EXPECT_THAT(bytes, StartsWith("GIF89a"));
  EXPECT_LT(bytes.size(), 4'000'000u);
  // 0.3 s at 3/100 s a picture: 11 there and 10 back, each with its control block.
  std::size_t pictures = 0;
  for (auto at = bytes.find("\x21\xf9\x04"); at != std::string::npos; at = bytes.find("\x21\xf9\x04", at + 1))
    ++pictures;
  EXPECT_EQ(pictures, 21u);
}

TEST_F(Animate, APairOfColumnsIsChosenByName) {
  const auto got = run({"animate", kAnimated + "diamonds.h5", "-o", file("a.gif"), "--seconds", "0.2", "--size", "200",
                        "--columns", "carat,price", "--quiet"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(run({"animate", kAnimated + "diamonds.h5", "-o", file("a.gif"), "--columns", "carat"}).err,
              HasSubstr("--columns: expected two columns, found 1"));
  EXPECT_THAT(run({"animate", kAnimated + "diamonds.h5", "-o", file("a.gif"), "--columns", "carat,prise"}).err,
              HasSubstr("did you mean 'price'?"));
}

// Neither a flow in closed form nor an ensemble has a time; their particles move all the same.
TEST_F(Animate, CouplingsAndEnsemblesMoveTheirParticles) {
  std::string table = "a,b,c\n";
  for (int i = 0; i < 400; ++i)
    table += std::to_string(i % 7) + "," + std::to_string(i % 11) + "," + std::to_string(i) + "\n";
  put("t.csv", table);
  ASSERT_EQ(run({"train", "--data", file("t.csv"), "--iterations", "20", "--ensemble", "2", "--set", "model.blocks=0",
                 "--set", "model.transforms.count=3", "-o", file("run"), "--quiet"})
                .code,
            0);
  const auto got = run({"animate", file("run"), "-o", file("a.gif"), "--seconds", "0.2", "--size", "200"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.err,
              HasSubstr("each of the 2 flows of the ensemble moves its share of the particles; between the 3 maps of a "
                        "flow without an ODE the particles are shown on straight lines"));
  EXPECT_THAT(get("a.gif"), StartsWith("GIF89a"));
  EXPECT_THAT(run({"info", file("run")}).out, HasSubstr("parameters, 3 transforms (spline_coupling, ...), base normal"));
  EXPECT_EQ(run({"animate", file("run/member-1"), "-o", file("b.gif"), "--seconds", "0.2", "--size", "200"}).code, 0);
}

// A table on which no network gains gave a film in which nothing moved, without a word.
TEST_F(Animate, ANoteSaysWhyNothingMoves) {
  std::string table = "x,y\n";
  for (int i = 0; i < 100; ++i) table += std::to_string(i * i % 101) + "," + std::to_string(i * 37 % 89) + "\n";
  ASSERT_EQ(run({"train", put("t.csv", table), "-o", file("run"), "--time", "2", "--quiet"}).code, 0);
  const std::vector<std::string> animate{"animate",   file("run"), "-o",     file("a.gif"),
                                         "--seconds", "0.2",       "--size", "200"};
  EXPECT_THAT(run(animate).err, HasSubstr("nothing moves: no network was trained"));
  auto moons = animate;
  moons[1] = kAnimated + "moons.h5";
  EXPECT_THAT(run(moons).err, Not(HasSubstr("nothing moves")));
}

TEST_F(Animate, WhatCannotBeMadeIsSaidBeforeTheWork) {
  const std::string moons = kAnimated + "moons.h5";
  EXPECT_THAT(run({"animate", moons, "-o", file("a.avi")}).err,
              HasSubstr("expected a name that ends with .gif, .mp4 or .webm"));
  EXPECT_EQ(bash("tool=$(command -v $P); PATH=/nowhere \"$tool\" animate '" + moons + "' -o a.mp4"), 2);
  EXPECT_THAT(get("err.txt"),
              HasSubstr("a.mp4: needs the program ffmpeg, which is not installed (apt install ffmpeg)"));
  EXPECT_THAT(run({"animate", moons, "-o", file("a.gif"), "--seconds", "0"}).err,
              HasSubstr("--seconds = 0: must be in"));
}

// A program that reads as ffmpeg does: it gets every frame, whole, and its failure is told.
TEST_F(Animate, AVideoIsPipedThroughFfmpegSlow) {
  std::filesystem::create_directory(file("bin"));
  put("bin/ffmpeg",
      "#!/bin/bash\nfor last; do :; done\necho \"$@\" > \"" + file("words.txt") + "\"\nwc -c > \"$last\"\n");
  const std::string with = "chmod +x bin/ffmpeg; PATH=\"$PWD/bin:$PATH\" $P animate '" + kAnimated +
                           "moons.h5' -o a.mp4 --seconds 0.2 --size 200 --quiet";
  ASSERT_EQ(bash(with), 0) << get("err.txt");
  int width = 0, height = 0;
  const std::string words = get("words.txt");
  ASSERT_EQ(std::sscanf(words.c_str() + words.find("-s ") + 3, "%dx%d", &width, &height), 2) << words;
  EXPECT_EQ(height % 2, 0);
  const int frames = 7 + 24 + 7 + 24;  // 0.2 s at 30 a second there, 0.8 s at the end, and the same back
  EXPECT_EQ(std::stoi(get("a.mp4")), 3 * width * height * frames);
  put("bin/ffmpeg", "#!/bin/bash\nexit 1\n");
  std::filesystem::remove(file("a.mp4"));
  EXPECT_EQ(bash(with), 2);
  EXPECT_THAT(get("err.txt"), HasSubstr("ffmpeg could not write the video"));
  EXPECT_FALSE(std::filesystem::exists(file("a.mp4")));
}

}  // namespace
}  // namespace pathline
