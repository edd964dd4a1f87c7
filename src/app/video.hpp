// A video, by ffmpeg, which reads its frames from a pipe.
#pragma once

#include <string>
#include <vector>

#include "app/canvas.hpp"

namespace pathline::plot {

// True if a program ffmpeg is in the directories of PATH.
bool has_ffmpeg();

// Writes the frames, all of one size, to a file whose name ends with .mp4 or .webm. InputError if ffmpeg is not there
// or cannot write the file.
void write_video(const std::string& path, const std::vector<Pixels>& frames, int frames_per_second);

}  // namespace pathline::plot
