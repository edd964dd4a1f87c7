# Installs the library, its headers, the tool, and the package that find_package(pathline) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pathline)

install(TARGETS pathline EXPORT pathlineTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/pathline DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET pathline_tool)
  install(TARGETS pathline_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(EXPORT pathlineTargets NAMESPACE pathline:: DESTINATION ${package_dir})
configure_package_config_file(tools/cmake/pathlineConfig.cmake.in ${PROJECT_BINARY_DIR}/pathlineConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change anything.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pathlineConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pathlineConfig.cmake ${PROJECT_BINARY_DIR}/pathlineConfigVersion.cmake
  DESTINATION ${package_dir})
