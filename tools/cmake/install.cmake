# Installs the libraries, their headers, the tool, the package that find_package(pathline) reads, and pathline.pc.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pathline)

install(TARGETS ${libraries} EXPORT pathlineTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS pathline_app EXPORT pathlineAppTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/pathline DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET pathline_tool)
  install(TARGETS pathline_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# CMake: the component app is an export of its own, so that the core does not ask for Cairo.
install(EXPORT pathlineTargets NAMESPACE pathline:: DESTINATION ${package_dir})
install(EXPORT pathlineAppTargets NAMESPACE pathline:: DESTINATION ${package_dir})
configure_package_config_file(tools/cmake/pathlineConfig.cmake.in ${PROJECT_BINARY_DIR}/pathlineConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change anything.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pathlineConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pathlineConfig.cmake ${PROJECT_BINARY_DIR}/pathlineConfigVersion.cmake
  DESTINATION ${package_dir})

# pkg-config: the archive needs what the shared library brings itself.
list(JOIN HDF5_C_LIBRARIES " " pc_private)
string(APPEND pc_private " -lz ${OpenMP_CXX_FLAGS}")
if(PATHLINE_SHARED)
  set(pc_libraries "Libs.private: ${pc_private}")
else()
  string(APPEND pc_public " ${pc_private}")
endif()
string(JOIN " " pc_flags ${PATHLINE_ARCH})
get_target_property(boost_dir Boost::headers INTERFACE_INCLUDE_DIRECTORIES)
if(boost_dir AND NOT boost_dir STREQUAL "/usr/include")
  string(APPEND pc_flags " -I${boost_dir}")
endif()
file(RELATIVE_PATH pc_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" pc_prefix ${pc_prefix})
configure_file(tools/cmake/pathline.pc.in ${PROJECT_BINARY_DIR}/pathline.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pathline.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
