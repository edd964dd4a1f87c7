# Configures a project that takes pathline by FetchContent, compiles its program, and looks at what it would link and
# install; pathline itself is not compiled again. Called by ctest with ROOT (of pathline), SOURCE, WORK (a directory of
# its own), GENERATOR and CXX.
cmake_minimum_required(VERSION 3.22)

file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK} -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX}
  -DPATHLINE_SOURCE=${ROOT} COMMAND_ERROR_IS_FATAL ANY)

if(EXISTS ${WORK}/_deps/pathline-build/CTestTestfile.cmake)
  message(FATAL_ERROR "pathline adds its tests to a project that embeds it")
endif()

# Only what the project installs itself.
file(READ ${WORK}/cmake_install.cmake install)
file(READ ${WORK}/_deps/pathline-build/cmake_install.cmake of_pathline)
if(NOT install MATCHES "/fetch\"" OR of_pathline MATCHES "file\\(INSTALL")
  message(FATAL_ERROR "pathline installs itself with a project that embeds it")
endif()

# The program compiles with what the target gives it, and links the core and what that needs; no pictures, no Cairo.
set(object CMakeFiles/fetch.dir/main.cpp.o)
execute_process(COMMAND ninja -C ${WORK} ${object} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ninja -C ${WORK} -t commands -s fetch OUTPUT_VARIABLE link COMMAND_ERROR_IS_FATAL ANY)
foreach(part libpathline.a hdf5 libz gomp)
  if(NOT link MATCHES ${part})
    message(FATAL_ERROR "the program does not link ${part}: ${link}")
  endif()
endforeach()
if(link MATCHES "cairo|pathline_app")
  message(FATAL_ERROR "the program links ${CMAKE_MATCH_0}: ${link}")
endif()
execute_process(COMMAND ninja -C ${WORK} -t commands all OUTPUT_VARIABLE all COMMAND_ERROR_IS_FATAL ANY)
if(NOT all MATCHES "src/flow/flow.cpp" OR all MATCHES "src/app/")
  message(FATAL_ERROR "the project builds the command line, which it does not use, or not the core")
endif()
