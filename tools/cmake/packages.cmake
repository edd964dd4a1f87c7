# Debian packages by CPack, one a component: tools/packages builds them.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pathline)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
# Who makes the packages, as Debian's own tools take it; else who made the last commit.
set(maintainer "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
if(maintainer MATCHES "^ | <>$")
  execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} log -1 "--format=%an <%ae>" OUTPUT_VARIABLE maintainer
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT maintainer)
  set(maintainer "The pathline authors <root@localhost>")
endif()
set(PATHLINE_MAINTAINER ${maintainer} CACHE STRING "Maintainer of the Debian packages, NAME <ADDRESS>")
set(CPACK_PACKAGE_CONTACT ${PATHLINE_MAINTAINER})
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL development tool)
if(PATHLINE_SHARED)
  list(APPEND CPACK_COMPONENTS_ALL library)
endif()
if(PATHLINE_PYTHON)
  list(APPEND CPACK_COMPONENTS_ALL python)
endif()
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/tools/cmake/package_documents.cmake)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Before 1.0 a minor version may change anything: what is linked needs the version that it was linked with.
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# The name is the library's with its soname, as Debian's policy asks: another minor version can be installed beside it.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libpathline${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONFLICTS libpathline0)  # the former name of the package of libpathline.so.0.1
set(CPACK_DEBIAN_LIBRARY_PACKAGE_REPLACES libpathline0)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/tools/cmake/library_package/triggers)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "Continuous normalizing flows: shared library
Trained densities of pathline inside programs of C++: log-densities, scores
and samples of continuous normalizing flows, and training of such flows.

It uses AVX2 or AVX-512 where the CPU has them, and needs SSE4.2 (x86-64-v2).")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libpathline-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${CPACK_DEBIAN_LIBRARY_PACKAGE_NAME} (= ${PROJECT_VERSION}), libeigen3-dev, libboost-dev, libhdf5-dev, zlib1g-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS libcairo2-dev)  # for pathline::app
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "Continuous normalizing flows: development files
Headers and static libraries of pathline, found by find_package(pathline) of
CMake and by pkg-config.")

set(CPACK_DEBIAN_TOOL_PACKAGE_NAME pathline)
set(CPACK_DEBIAN_TOOL_PACKAGE_SECTION science)
set(CPACK_DEBIAN_TOOL_PACKAGE_DEPENDS "fontconfig, fonts-dejavu-core")
set(CPACK_DEBIAN_TOOL_DESCRIPTION "Continuous normalizing flows: command line
Trains a density from a table, evaluates it, draws from it, plots it and
checks that it is the density that it claims to be.

It uses AVX2 or AVX-512 where the CPU has them, and needs SSE4.2 (x86-64-v2).")

set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-pathline)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
if(PATHLINE_PYTHON)
  math(EXPR next_minor "${Python_VERSION_MINOR} + 1")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
    "python3 (>= 3.${Python_VERSION_MINOR}), python3 (<< 3.${next_minor}), python3-numpy")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/tools/cmake/python_package/postinst
    ${PROJECT_SOURCE_DIR}/tools/cmake/python_package/prerm)  # Python's byte code
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "python3-matplotlib, python3-pandas, python3-sklearn, python3-torch")
endif()
set(CPACK_DEBIAN_PYTHON_DESCRIPTION "Continuous normalizing flows: Python package
Trains a density from an array of NumPy, evaluates it and draws from it; an
estimator for scikit-learn; Neural ODEs.

It uses AVX2 or AVX-512 where the CPU has them, and needs SSE4.2 (x86-64-v2).")

set(CPACK_PATHLINE_SOURCE ${PROJECT_SOURCE_DIR})
include(CPack)
