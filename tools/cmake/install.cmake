# Installs the libraries, their headers, the tool, the package that find_package(pathline) reads, and pathline.pc.
# `cmake --install` takes all but the Python package; with --component one of
#   library      libpathline.so
#   development  headers, archives, CMake and pkg-config
#   tool         the command, its manual pages and completions
#   python       the Python package
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pathline)

install(TARGETS ${libraries} EXPORT pathlineTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS pathline_app EXPORT pathlineAppTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY include/pathline DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)
if(TARGET pathline_tool)
  install(TARGETS pathline_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tool)
  # The tool writes its own manual pages and completions, which a build for another CPU cannot run.
  if(NOT CMAKE_CROSSCOMPILING)
    set(made ${PROJECT_BINARY_DIR}/made)
    add_custom_command(OUTPUT ${made}/stamp
      COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
      COMMAND pathline_tool manual ${made}/man
      COMMAND pathline_tool completion bash -o ${made}/pathline
      COMMAND pathline_tool completion zsh -o ${made}/_pathline
      COMMAND ${CMAKE_COMMAND} -E touch ${made}/stamp
      DEPENDS pathline_tool COMMENT "Manual pages and completions" VERBATIM)
    add_custom_target(pathline_made ALL DEPENDS ${made}/stamp)
    install(DIRECTORY ${made}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tool)
    install(FILES ${made}/pathline DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT tool)
    install(FILES ${made}/_pathline DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT tool)
  endif()
endif()

# CMake: the component app is an export of its own, so that the core does not ask for Cairo.
install(EXPORT pathlineTargets NAMESPACE pathline:: DESTINATION ${package_dir} COMPONENT development)
install(EXPORT pathlineAppTargets NAMESPACE pathline:: DESTINATION ${package_dir} COMPONENT development)
configure_package_config_file(tools/cmake/pathlineConfig.cmake.in ${PROJECT_BINARY_DIR}/pathlineConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change anything.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pathlineConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pathlineConfig.cmake ${PROJECT_BINARY_DIR}/pathlineConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT development)

# pkg-config: the archive needs what the shared library brings itself.
list(JOIN HDF5_C_LIBRARIES " " pc_private)
string(APPEND pc_private " -lz ${OpenMP_CXX_FLAGS}")
if(PATHLINE_SHARED)
  set(pc_libraries "Libs.private: ${pc_private}")
else()
  string(APPEND pc_public " ${pc_private}")
endif()
list(TRANSFORM PATHLINE_ABI PREPEND -D OUTPUT_VARIABLE pc_flags)
list(JOIN pc_flags " " pc_flags)
get_target_property(boost_dir Boost::headers INTERFACE_INCLUDE_DIRECTORIES)
if(boost_dir AND NOT boost_dir STREQUAL "/usr/include")
  string(APPEND pc_flags " -I${boost_dir}")
endif()
file(RELATIVE_PATH pc_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" pc_prefix ${pc_prefix})
configure_file(tools/cmake/pathline.pc.in ${PROJECT_BINARY_DIR}/pathline.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pathline.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
