# What Debian's policy asks of every package: its licence and its changes, in /usr/share/doc/<package>. CPack calls this
# after it has installed the components into directories of their own.
foreach(component library development tool python)
  set(root ${CPACK_TEMPORARY_DIRECTORY}/${component})
  if(NOT EXISTS ${root})
    continue()
  endif()
  string(TOUPPER ${component} upper)
  set(doc ${root}${CPACK_PACKAGING_INSTALL_PREFIX}/share/doc)
  set(package_doc ${doc}/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  if(component STREQUAL "development")
    file(REMOVE_RECURSE ${doc}/pathline)  # the licence, which is in package_doc
  endif()
  file(MAKE_DIRECTORY ${package_doc})
  file(READ ${CPACK_PATHLINE_SOURCE}/LICENSE licence)
  string(REGEX REPLACE "\n\n" "\n.\n" licence "${licence}")
  string(STRIP "${licence}" licence)
  string(REPLACE "\n" "\n " licence "${licence}")
  file(WRITE ${package_doc}/copyright
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: pathline\n\nFiles: *\n"
    "Copyright: the pathline authors\nLicense: see-below\n ${licence}\n")
  # In Debian's format; the changes themselves are the project's own.
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
  file(WRITE ${package_doc}/changelog
    "pathline (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n  * See NEWS.gz.\n\n"
    " -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
  execute_process(COMMAND gzip -9n ${package_doc}/changelog COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND gzip -9n INPUT_FILE ${CPACK_PATHLINE_SOURCE}/CHANGELOG.md
    OUTPUT_FILE ${package_doc}/NEWS.gz COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB pages ${root}${CPACK_PACKAGING_INSTALL_PREFIX}/share/man/man1/*.1)
  foreach(page IN LISTS pages)
    execute_process(COMMAND gzip -9n ${page} COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endforeach()
