# Installs pathline and builds programs that find it there, by CMake and by pkg-config, static and shared. Called by ctest
# with BUILD (of pathline), SOURCE and WORK (a directory of its own, with a blank in its name), CONFIG, GENERATOR, CXX,
# CXX_FLAGS, LIBDIR, NM.
cmake_minimum_required(VERSION 3.22)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

cmake_path(SET root NORMALIZE ${SOURCE}/../../..)
file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix --config ${CONFIG})
set(lib ${WORK}/prefix/${LIBDIR})

# What the core's package names, beside what its README says that it needs.
file(READ ${lib}/cmake/pathline/pathlineTargets.cmake targets)
file(READ ${lib}/pkgconfig/pathline.pc pc)
if("${targets}${pc}" MATCHES "fmt|toml|nlohmann|CLI11|[Cc][Aa][Ii][Rr][Oo]|pathline_private")
  message(FATAL_ERROR "the package asks an embedding program for ${CMAKE_MATCH_0}, which it does not need")
endif()

# The shared library exports what is pathline's own (a type of another library may stand in a signature), no third party.
execute_process(COMMAND ${NM} -D --defined-only ${lib}/libpathline.so OUTPUT_VARIABLE exports COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^ \n]+\n" exports "${exports}")
list(LENGTH exports count)
if(count LESS 100)
  message(FATAL_ERROR "the shared library exports ${count} names: expected those of pathline")
endif()
foreach(name IN LISTS exports)
  if(NOT name MATCHES "^_Z[A-Za-z0-9_]*N?K?8pathline")
    message(FATAL_ERROR "the shared library exports ${name}")
  endif()
endforeach()

# By CMake.
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX}
    -DCMAKE_BUILD_TYPE=${CONFIG} -DCMAKE_CXX_FLAGS=${CXX_FLAGS} -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/build)
foreach(program density_static density_shared boundary_static boundary_shared)
  run(${WORK}/build/${program} WORKING_DIRECTORY ${root})
endforeach()
run(${WORK}/build/app density models/moons.h5 --grid=-1:1:2 --summary WORKING_DIRECTORY ${root})

# The examples, as a project of their own.
run(${CMAKE_COMMAND} -S ${root}/examples -B ${WORK}/examples -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX}
    -DCMAKE_BUILD_TYPE=${CONFIG} -DCMAKE_CXX_FLAGS=${CXX_FLAGS} -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/examples --target example_density)
run(${WORK}/examples/example_density WORKING_DIRECTORY ${root})

# By pkg-config: shared, then static.
separate_arguments(cxx_flags UNIX_COMMAND "${CXX_FLAGS}")
set(ENV{PKG_CONFIG_PATH} ${lib}/pkgconfig)
function(pkg_config variable)
  execute_process(COMMAND pkg-config ${ARGN} pathline OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(text UNIX_COMMAND "${text}")
  set(${variable} ${text} PARENT_SCOPE)
endfunction()
pkg_config(compile_flags --cflags)
pkg_config(shared --libs)
pkg_config(static --libs --static)
list(TRANSFORM static REPLACE "^-lpathline$" "-l:libpathline.a")
run(${CXX} ${cxx_flags} -std=c++20 ${compile_flags} -c ${root}/examples/density.cpp -o ${WORK}/density.o)
# Without the alignment of Eigen that the library has, a program is told what to define.
set(other_flags ${compile_flags})
list(FILTER other_flags EXCLUDE REGEX "^-DEIGEN_MAX_ALIGN_BYTES")
execute_process(COMMAND ${CXX} ${cxx_flags} -std=c++20 ${other_flags} -fsyntax-only ${root}/examples/density.cpp
  RESULT_VARIABLE code ERROR_VARIABLE errors)
if(code EQUAL 0 OR NOT errors MATCHES "define EIGEN_MAX_ALIGN_BYTES=64")
  message(FATAL_ERROR "a program with another alignment of Eigen compiles, or is not told what to define: ${errors}")
endif()
run(${CXX} ${cxx_flags} ${WORK}/density.o ${shared} -Wl,-rpath,${lib} -o ${WORK}/density_shared)
run(${CXX} ${cxx_flags} ${WORK}/density.o ${static} -o ${WORK}/density_static)
foreach(program density_static density_shared)
  run(${WORK}/${program} WORKING_DIRECTORY ${root})
endforeach()
