# Installs pathline and builds the README's program, which finds it there. Called by ctest with BUILD (of pathline), SOURCE and
# WORK (a directory of its own, with a blank in its name), CONFIG, GENERATOR, CXX,
# CXX_FLAGS, LIBDIR.
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

cmake_path(SET root NORMALIZE ${SOURCE}/../../..)
file(READ ${root}/README.md readme)
file(READ ${root}/examples/density.cpp program)
string(FIND "${readme}" "```cpp\n${program}```" place)
if(place EQUAL -1)
  message(FATAL_ERROR "examples/density.cpp is not the program of README.md")
endif()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix --config ${CONFIG})
file(READ ${WORK}/prefix/${LIBDIR}/cmake/pathline/pathlineTargets.cmake targets)
if(targets MATCHES "nlohmann|CLI11")
  message(FATAL_ERROR "the package asks an embedding program for headers it does not need")
endif()
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX}
    -DCMAKE_BUILD_TYPE=${CONFIG} -DCMAKE_CXX_FLAGS=${CXX_FLAGS} -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/embed WORKING_DIRECTORY ${root})
